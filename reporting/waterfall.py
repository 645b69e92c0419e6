"""The waterfall of a day: from all candidates, reason by reason, to those who are sent."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from reporting.definitions import OUTCOMES, spoken
from reporting.rooms import ReasonCount

# In the order in which the decision asks.
ORDER = ("suppressed", "blocked_by_governance", "deferred", "capped", "held_out", "sent")


@dataclass(frozen=True)
class Drop:
    """One bar: those who leave here; `start` and `width` in per cent of all candidates."""

    label: str
    outcome: str
    candidates: int
    share: float
    start: float
    width: float


def drops_of(reasons: Iterable[ReasonCount]) -> list[Drop]:
    """Bars over all flows, from the first reason to the sends, each where the one before ends; together they are everybody."""
    counted: dict[tuple[str, str], int] = defaultdict(int)
    for row in reasons:
        counted[row.outcome, "" if row.outcome in {"sent", "held_out"} else row.reason or ""] += row.candidates
    total = sum(counted.values())
    rank = {outcome: at for at, outcome in enumerate(ORDER)}
    drops, left = [], 0
    for (outcome, reason), count in sorted(
        counted.items(), key=lambda item: (rank.get(item[0][0], -1), -item[1], item[0][1])
    ):
        known = OUTCOMES[outcome][0] if outcome in OUTCOMES else spoken(outcome)
        label = f"{known}: {spoken(reason).lower()}" if reason else known
        drops.append(
            Drop(label, outcome, count, count / total, round(100 * left / total, 3), round(100 * count / total, 3))
        )
        left += count
    return drops
