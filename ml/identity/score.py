"""How likely a pair is one person: weights by Splink, and the share of matches among all pairs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from splink import DuckDBAPI, Linker

from ml.identity.compare import PERSONAL
from ml.identity.weigh import Model

ROUNDS = 200

SCORED = """
create or replace table {into} as
select least(unique_id_l, unique_id_r) as left_no, greatest(unique_id_l, unique_id_r) as right_no,
    round(match_weight, 4) as evidence, round({personal}, 4) as personal
from {scored}
"""
STEPS = "select round(evidence, 1) as evidence, count(*) as pairs from {scored} group by all order by all"


@dataclass(frozen=True)
class Scorer:
    """Scores pairs of `candidates` with a trained model."""

    engine: DuckDBAPI
    profiles: Any
    model: Model

    def score(self, pairs: str, *, into: str) -> None:
        """Create a table left_no, right_no, evidence, personal: log2 Bayes factors, the second of personal traits only.

        Args:
            pairs: Table of left_no < right_no.
            into: Its name.
        """
        connection = self.engine.duckdb_con
        connection.execute(
            f"""
            create or replace table blocked as
            select left_no as join_key_l, right_no as join_key_r, '0' as match_key from {pairs} order by left_no, right_no
            """
        )
        settings = {
            **self.model.settings,
            "probability_two_random_records_match": 0.5,
            "retain_intermediate_calculation_columns": True,
        }
        linker = Linker(self.profiles, settings, log_level=None)
        linker.table_management.register_blocked_pairs_for_predict(self.engine.register("blocked"))
        scored = linker.inference.predict(warning_mode="never")
        names = [comparison["output_column_name"] for comparison in self.model.settings["comparisons"]]
        personal = " + ".join(f"mw_{name} + mw_tf_adj_{name}" for name in names if name in PERSONAL) or "0.0"
        connection.execute(SCORED.format(into=into, personal=personal, scored=scored.physical_name))
        scored.drop_table_from_database_and_remove_from_cache()
        linker.table_management.invalidate_cache()  # type: ignore[no-untyped-call]

    def prior(self, scored: str, *, count: int) -> float:
        """log2 odds that two random profiles match.

        Args:
            scored: Table of all candidate pairs.
            count: Number of profiles.
        """
        steps = self.engine.duckdb_con.execute(STEPS.format(scored=scored)).to_arrow_table()
        share = matching_share(steps["evidence"].to_numpy(), steps["pairs"].to_numpy(), of=count * (count - 1) / 2)
        return float(np.log2(share / (1 - share)))


def matching_share(evidence: NDArray[np.float64], pairs: NDArray[np.int64], *, of: float) -> float:
    """The share of all pairs that match at which it equals their mean probability (EM with the weights held fixed).

    Args:
        evidence: log2 Bayes factors of candidate pairs.
        pairs: How many candidate pairs have each.
        of: Number of all pairs; those that are no candidates count as two people.
    """
    share = 1 / np.sqrt(of + 1)
    for _ in range(ROUNDS):
        found = float(pairs @ probability_of(evidence + np.log2(share / (1 - share))))
        before, share = share, min(max(found, 0.5), of - 0.5) / of
        if abs(share - before) < 1e-6 * share:
            break
    return float(share)


def probability_of(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability of a match weight (log2 odds)."""
    probability: NDArray[np.float64] = 1 / (1 + np.exp2(-np.clip(weight, -60, 60)))
    return probability
