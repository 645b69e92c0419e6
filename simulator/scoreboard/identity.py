"""Who was taken for whom: pairs of profiles, the largest false cluster, people in pieces."""

from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from simulator.scoreboard.sections import Bar, Chart, Line, Section

# Sizes of the cells customer x person are enough: a cell of n profiles holds n (n - 1) / 2 pairs.
CELLS = """
create or replace temp table identity_cells as
with resolved as (
    select profile_key, customer_id from marts.identity_map where valid_from <= $day and $day < valid_to
)
select resolved.customer_id, truth_keys.person, count(*) as profiles
from resolved
inner join truth_keys on resolved.profile_key = truth_keys.profile_key
where not truth_keys.is_shared
group by resolved.customer_id, truth_keys.person
"""

PAIRS = """
with customers as (
    select customer_id, count(*) as persons, sum(profiles) as profiles from identity_cells group by customer_id
),
persons as (
    select person, count(*) as customers, sum(profiles) as profiles from identity_cells group by person
),
worst as (
    select persons, profiles from customers where persons > 1 order by persons desc, profiles desc limit 1
)
select
    (select coalesce(sum(profiles * (profiles - 1) // 2), 0) from identity_cells) as right_pairs,
    (select coalesce(sum(profiles * (profiles - 1) // 2), 0) from customers) as found_pairs,
    (select coalesce(sum(profiles * (profiles - 1) // 2), 0) from persons) as true_pairs,
    (select coalesce(sum(profiles), 0) from identity_cells) as profiles,
    (select count(*) from persons) as persons,
    (select count(*) from customers where persons > 1) as false_clusters,
    (select count(*) from persons where customers > 1) as split_persons,
    coalesce((select persons from worst), 0) as worst_persons,
    coalesce((select profiles from worst), 0) as worst_profiles
"""

LEFT_OUT = """
with resolved as (
    select distinct profile_key from marts.identity_map where valid_from <= $day and $day < valid_to
),
planted as (
    select profile_key, bool_or(is_shared) as is_shared from truth_keys group by profile_key
)
select
    (select count(*) from planted where is_shared) as shared,
    (select count(*) from planted anti join resolved using (profile_key) where not is_shared) as unseen,
    (select count(*) from resolved anti join planted using (profile_key)) as unplanned
"""

# A device that no other profile was seen with, and nobody ever signed in on: no file ties it to anything, so that it is alone.
LONE = """
with seen as (
    select distinct profile_key, identifier_type, identifier_hash
    from intermediate.int_identifiers__linked where landed_on <= $day and not is_blocked
),
bearers as (
    select *, count(*) over (partition by identifier_type, identifier_hash) as profiles from seen
),
lone as (
    select profile_key from bearers group by profile_key having bool_and(identifier_type = 'device' and profiles = 1)
),
resolved as (
    select profile_key, count(*) over (partition by customer_id) as members
    from marts.identity_map where valid_from <= $day and $day < valid_to
),
left_over as (
    select truth_keys.person, lone.profile_key is not null and resolved.members = 1 as is_lone
    from resolved
    inner join truth_keys on resolved.profile_key = truth_keys.profile_key and not truth_keys.is_shared
    left join lone on resolved.profile_key = lone.profile_key
)
select coalesce(sum(devices), 0), coalesce(sum(profiles * (profiles - 1) // 2), 0)
from (
    select count(*) filter (where is_lone) as devices, count(*) filter (where not is_lone) as profiles
    from left_over group by person
)
"""

# Evidence within a person: two of the person's profiles that were seen with the same value.
EVIDENCE = """
with resolved as (
    select profile_key from marts.identity_map where valid_from <= $day and $day < valid_to
),
profiles as (
    select truth_keys.profile_key, truth_keys.person, row_number() over () - 1 as profile
    from truth_keys
    inner join resolved using (profile_key)
    where not truth_keys.is_shared
),
seen as (
    select distinct profiles.profile, profiles.person, linked.identifier_type, linked.identifier_hash
    from profiles
    inner join intermediate.int_identifiers__linked as linked on profiles.profile_key = linked.profile_key
    where linked.landed_on <= $day and not linked.is_blocked
)
select profile, dense_rank() over (order by person, identifier_type, identifier_hash) - 1 as evidence from seen
"""


@dataclass(frozen=True)
class IdentityScore:
    """Pairs of profiles of one person, over profiles that belong to one person and that the platform had seen.

    Attributes:
        right_pairs: In one customer and of one person.
        found_pairs: In one customer.
        true_pairs: Of one person.
        linkable_pairs: Of one person and connected by values that were seen with both, at most through more of the person's
            profiles: what exact matching could reach. None where the warehouse keeps no identifiers.
        lone_devices: Devices that no file ties to anything: known to the truth alone.
        tied_pairs: Of one person, neither of them such a device. None as above.
        worst_persons: Persons in the customer that merges most, 0 without a false merge.
        worst_profiles: Profiles in it.
        shared_profiles: Left out: of several persons.
        unseen_profiles: Left out: no file had named them yet.
        unplanned_profiles: Left out: profiles that the truth does not know.
    """

    right_pairs: int
    found_pairs: int
    true_pairs: int
    linkable_pairs: int | None
    lone_devices: int
    tied_pairs: int | None
    profiles: int
    persons: int
    false_clusters: int
    split_persons: int
    worst_persons: int
    worst_profiles: int
    shared_profiles: int
    unseen_profiles: int
    unplanned_profiles: int

    @property
    def precision(self) -> float:
        """Share of the found pairs that are right; 1 without any."""
        return self.right_pairs / self.found_pairs if self.found_pairs else 1.0

    @property
    def recall(self) -> float:
        """Share of the true pairs that were found; 1 without any."""
        return self.right_pairs / self.true_pairs if self.true_pairs else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return _harmonic_mean(self.precision, self.recall)

    @property
    def tied_recall(self) -> float | None:
        """The recall among profiles that a file ties to something."""
        if self.tied_pairs is None:
            return None
        return self.right_pairs / self.tied_pairs if self.tied_pairs else 1.0

    @property
    def tied_f1(self) -> float | None:
        """The F1 among them."""
        return None if self.tied_recall is None else _harmonic_mean(self.precision, self.tied_recall)

    @property
    def reachable_recall(self) -> float | None:
        """The recall of someone who links exactly what the files show to be linked."""
        if self.linkable_pairs is None:
            return None
        return self.linkable_pairs / self.true_pairs if self.true_pairs else 1.0


def score_identity(connection: duckdb.DuckDBPyConnection, day: date) -> IdentityScore:
    """Compare `marts.identity_map` of a day with the planted persons."""
    connection.execute(CELLS, {"day": day})
    (right, found, true, profiles, persons, false_clusters, split, worst_persons, worst_profiles) = _only_row(
        connection.execute(PAIRS)
    )
    shared, unseen, unplanned = _only_row(connection.execute(LEFT_OUT, {"day": day}))
    has_identifiers = _has_identifiers(connection)
    devices, tied = _only_row(connection.execute(LONE, {"day": day})) if has_identifiers else (0, None)
    return IdentityScore(
        right_pairs=right, found_pairs=found, true_pairs=true,
        linkable_pairs=_linkable_pairs(connection, day) if has_identifiers else None,
        lone_devices=devices, tied_pairs=tied, profiles=profiles, persons=persons, false_clusters=false_clusters, split_persons=split,
        worst_persons=worst_persons, worst_profiles=worst_profiles,
        shared_profiles=shared, unseen_profiles=unseen, unplanned_profiles=unplanned,
    )  # fmt: skip


def _has_identifiers(connection: duckdb.DuckDBPyConnection) -> bool:
    known = "select count(*) from information_schema.tables where table_name = 'int_identifiers__linked'"
    return _only_row(connection.execute(known)) != (0,)


def _harmonic_mean(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one + other else 0.0


def _linkable_pairs(connection: duckdb.DuckDBPyConnection, day: date) -> int:
    seen = connection.execute(EVIDENCE, {"day": day}).fetchnumpy()
    profile, evidence = (np.asarray(seen[name], dtype=np.int64) for name in ("profile", "evidence"))
    if not len(profile):
        return 0
    first = int(profile.max()) + 1
    size = first + int(evidence.max()) + 1
    graph = coo_array((np.ones(len(profile)), (profile, first + evidence)), shape=(size, size))
    labels = connected_components(graph.tocsr(), directed=False)[1]
    profiles_in = np.bincount(labels[np.unique(profile)])
    return int((profiles_in * (profiles_in - 1) // 2).sum())


def _only_row(found: duckdb.DuckDBPyConnection) -> tuple[int, ...]:
    row = found.fetchone()
    assert row is not None, "a query of totals has one row"  # noqa: S101
    return tuple(int(value) for value in row)


def show_identity(score: IdentityScore) -> Section:
    """The section about identity."""
    reachable = score.reachable_recall
    return Section(
        name="identity",
        title="Who is who",
        lead="Pairs of profiles that belong to one person, found and missed. Recall has a ceiling: "
        "a device on which nobody signed in is known to the truth alone.",
        lines=(
            Line("Pair precision", score.precision, 1.0, "share"),
            Line("Pair recall", score.recall, reachable, "share", note="planted: what exact matching could reach"),
            Line("Pair F1", score.f1, None, "share"),
            Line("Pair recall without devices that no file ties to anything", score.tied_recall, None, "share"),
            Line("Pair F1 without them", score.tied_f1, None, "share", note=f"{score.lone_devices:,} devices"),
            Line("Customers that merge several persons", score.false_clusters, 0),
            Line(
                "Persons in the largest of them", score.worst_persons, 0, note=f"with {score.worst_profiles:,} profiles"
            ),
            Line("Persons in several pieces", score.split_persons, 0, note=f"of {score.persons:,}"),
            Line("Profiles compared", score.profiles),
            Line("Left out: shared by several persons", score.shared_profiles),
            Line("Left out: not seen by the day", score.unseen_profiles),
            Line("Left out: unknown to the truth", score.unplanned_profiles),
        ),
        charts=(
            Chart(
                "Pairs of profiles",
                "share",
                bars=(
                    Bar("Precision", score.precision, 1.0),
                    Bar("Recall", score.recall, reachable),
                    Bar("F1", score.f1),
                ),
                mark="what exact matching could reach",
            ),
        ),
    )
