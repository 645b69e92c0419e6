"""Sample ratio mismatch: do the arms have the sizes that were planned."""

from collections.abc import Sequence

from scipy import stats

SRM_ALARM = 0.001


def sample_ratio_p_value(counts: Sequence[int], planned_shares: Sequence[float | None]) -> float | None:
    """Chi-square test of the arms' sizes against the planned shares (Fabijan et al., KDD 2019).

    Args:
        counts: Units per arm.
        planned_shares: Planned share per arm, in the same order; they are scaled to sum to one.

    Returns:
        The p-value; null where nothing was planned for an arm, or there is only one arm or no unit.

    Raises:
        ValueError: The lengths differ.
    """
    if len(counts) != len(planned_shares):
        raise ValueError(f"{len(counts)} arms but {len(planned_shares)} planned shares")
    shares = [share for share in planned_shares if share is not None and share > 0]
    total = sum(counts)
    if len(shares) < len(counts) or len(counts) < 2 or total == 0:
        return None
    expected = [total * share / sum(shares) for share in shares]
    return float(stats.chisquare(list(counts), expected).pvalue)
