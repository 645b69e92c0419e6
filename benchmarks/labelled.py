"""Who is one person in labelled real data: by shared identifiers alone, and with the probabilistic pass."""

import argparse
import os
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import yaml

from activation.playbook.identity import Identity
from benchmarks.labelled_sets import SETS, labelled
from orchestration.defs.identity.decisions import Decisions, Version
from orchestration.defs.identity.identity_map import solve_weeks

ROOT = Path(__file__).resolve().parents[1]
SUNDAY = date(2025, 3, 2)

FACTS = """
create schema intermediate;
create table intermediate.int_profiles__unioned as select * exclude (person), null::varchar as phone, $day as landed_on from labelled;
create table intermediate.int_identifiers__linked as
select profile_key, source, 'email' as identifier_type, sha256(lower(trim(email))) as identifier_hash, $day as landed_on,
    false as is_blocked, false as is_role_mailbox
from labelled where email is not null;
create table truth as select profile_key, person from labelled
"""

SCORES = """
with people as (
    select profile_key, person, customer_id from truth
    inner join marts.identity_map using (profile_key) where valid_from <= $day and $day < valid_to
),
pairs as (select sum(n * (n - 1) // 2) as found from (select count(*) as n from people group by customer_id)),
true_pairs as (select sum(n * (n - 1) // 2) as wanted from (select count(*) as n from people group by person)),
shared as (select sum(n * (n - 1) // 2) as agreed from (select count(*) as n from people group by customer_id, person)),
sizes as (select max(n) as largest from (select count(*) as n from people group by customer_id))
select coalesce(agreed / nullif(found, 0), 1), agreed / wanted, largest from pairs, true_pairs, shared, sizes
"""


@dataclass(frozen=True)
class Score:
    """Pairwise, over all pairs of profiles of a set; `largest` in profiles."""

    precision: float
    recall: float
    largest: int

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def main() -> None:
    """Print precision, recall, F1 and largest customer of each set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=SETS, metavar="SET", help=f"of {', '.join(SETS)} (default: all)")
    default = Path(os.environ.get("HOLDFAST_SHARED_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=default, help="folder of the real public data")
    given = parser.parse_args()
    print(f"{'set':<12} {'links':<22} {'precision':>9} {'recall':>7} {'F1':>7} {'largest':>8} {'seconds':>8}")
    for name in given.sets:
        started = time.perf_counter()
        scores = measure(labelled(name, given.data))
        seconds = time.perf_counter() - started
        for links, score in zip(("shared identifiers", "and proposals"), scores, strict=True):
            numbers = f"{score.precision:>9.4f} {score.recall:>7.4f} {score.f1:>7.4f} {score.largest:>8}"
            print(f"{name:<12} {links:<22} {numbers} {seconds:>8.1f}")


def measure(profiles: pa.Table) -> tuple[Score, Score]:
    """Land profiles on a Sunday and solve two days with the repository's identity.yml and the pass switched on.

    Returns:
        The first day, by shared identifiers alone, and the second, with what the pass proposed on the first.
    """
    identity = Identity.model_validate(yaml.safe_load((ROOT / "playbook/identity.yml").read_text(encoding="utf-8")))
    pass_on = identity.model_copy(update={"probabilistic": identity.probabilistic.model_copy(update={"is_on": True})})
    with duckdb.connect() as connection:
        connection.register("labelled", profiles)
        for statement in FACTS.split(";\n"):
            connection.execute(statement, {"day": SUNDAY} if "$day" in statement else None)
        following = SUNDAY + timedelta(days=1)
        solve_weeks(connection, _decisions(pass_on), start=SUNDAY, end=following)
        scores = [Score(*connection.execute(SCORES, {"day": day}).fetchall()[0]) for day in (SUNDAY, following)]
    return scores[0], scores[1]


def _decisions(identity: Identity) -> Decisions:
    return Decisions((Version(date(1, 1, 1), identity),))


if __name__ == "__main__":
    main()
