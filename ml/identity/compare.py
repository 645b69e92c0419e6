"""How two profiles are compared: the traits that a table fills, made comparable, and levels of agreement for each."""

from dataclasses import dataclass
from typing import Any

import splink.comparison_level_library as levels
from splink.internals.comparison_library import CustomComparison

LEAST_FILLED = 0.02  # share of profiles; below it EM sees next to no pair in which both sides are filled
PLACEHOLDER_SHARE = 0.05  # a telling value on more profiles than this (and than PLACEHOLDER_PROFILES) says nothing
PLACEHOLDER_PROFILES = 50


@dataclass(frozen=True)
class Trait:
    """One column of the comparison.

    Attributes:
        name: Column of the profiles.
        comparable: SQL expression that makes two spellings of one value equal; null where nothing is left.
        near: SQL conditions of the levels below equality, closest first; `{l}` and `{r}` are the two values.
        is_telling: Whether few people share a value, so that one on very many profiles is a placeholder.
    """

    name: str
    comparable: str
    near: tuple[str, ...]
    is_telling: bool = False


WORDS = r"nullif(trim(regexp_replace(regexp_replace(lower(strip_accents({0})), '[^\p{{L}}\p{{N}}]+', ' ', 'g'), '\s+', ' ', 'g')), '')"
TYPO = "abs(length({l}) - length({r})) <= 1 and damerau_levenshtein({l}, {r}) <= 1"
TYPOS = "abs(length({l}) - length({r})) <= 2 and damerau_levenshtein({l}, {r}) <= 2"
SIMILAR = "jaro_winkler_similarity({l}, {r}) >= 0.88"
INITIAL = "(length({l}) = 1 or length({r}) = 1) and {l}[1] = {r}[1]"
EXCHANGED = (
    "({l} = {other_r} or {r} = {other_l}) and coalesce(jaro_winkler_similarity({l}, {other_r}), 1) >= 0.8"
    " and coalesce(jaro_winkler_similarity({r}, {other_l}), 1) >= 0.8"
)
SAME_YEAR = "{l}[:4] = {r}[:4]"
SAME_INBOX = "split_part({l}, '@', 1) = split_part({r}, '@', 1)"
SAME_END = "length({l}) >= 7 and length({r}) >= 7 and {l}[-7:] = {r}[-7:]"

TRAITS = (
    Trait("first_name", WORDS.format("first_name"), (TYPO, SIMILAR, INITIAL)),
    Trait("last_name", WORDS.format("last_name"), (TYPO, SIMILAR)),
    Trait(
        "date_of_birth", "nullif(trim(cast(date_of_birth as varchar)), '')", (TYPO, TYPOS, SAME_YEAR), is_telling=True
    ),
    Trait("email", "nullif(lower(trim(email)), '')", (SAME_INBOX, TYPOS, SIMILAR), is_telling=True),
    Trait("phone", r"nullif(regexp_replace(phone, '\D', '', 'g'), '')", (SAME_END, TYPO), is_telling=True),
    Trait("address", WORDS.format("address"), (TYPOS, SIMILAR), is_telling=True),
    Trait("postcode", r"nullif(regexp_replace(upper(postcode), '[^\p{L}\p{N}]', '', 'g'), '')", (TYPO,)),
    Trait("city", WORDS.format("city"), (TYPO, SIMILAR)),
    Trait("region", WORDS.format("region"), ()),
)
PERSONAL = frozenset({"first_name", "date_of_birth", "email", "phone"})  # what the people of one household do not share
SWAPPED = {"first_name": "last_name", "last_name": "first_name"}


def comparable_traits(connection: Any, profiles: str) -> tuple[Trait, ...]:
    """Create `candidates`: one row per profile with its traits made comparable, numbered in the order of its key.

    Args:
        connection: Of the engine, in memory.
        profiles: Name of a table with profile_key, source, customer_id and any of the traits.

    Returns:
        The traits that enough profiles fill with more than one value.
    """
    there = {row[0] for row in connection.execute(f"describe {profiles}").fetchall()}
    traits = [trait for trait in TRAITS if trait.name in there]
    columns = "".join(f", {trait.comparable} as {trait.name}" for trait in traits)
    connection.execute(
        f"""
        create or replace table candidates as
        select
            row_number() over (order by profile_key) as unique_id, profile_key, source,
            dense_rank() over (order by customer_id) as customer_no {columns}
        from {profiles} order by profile_key
        """
    )
    for trait in traits:
        if trait.is_telling:
            connection.execute(
                f"""
                update candidates set {trait.name} = null where {trait.name} in (
                    select {trait.name} from candidates group by {trait.name}
                    having count(*) > greatest($fewest, $share * (select count({trait.name}) from candidates))
                )
                """,
                {"fewest": PLACEHOLDER_PROFILES, "share": PLACEHOLDER_SHARE},
            )
    filled = tuple(trait for trait in traits if _is_filled(connection, trait.name))
    # Levels for swapped names look at copies: Splink trains no comparison whose columns a training rule blocks on.
    for name, other in SWAPPED.items():
        if {name, other} <= {trait.name for trait in filled}:
            connection.execute(f"alter table candidates add column {name}_copy varchar")
            connection.execute(f"update candidates set {name}_copy = {name}")
    return filled


def _is_filled(connection: Any, name: str) -> bool:
    total, filled, distinct = connection.execute(
        f"select count(*), count({name}), count(distinct {name}) from candidates"
    ).fetchone()
    return bool(distinct > 1 and filled >= LEAST_FILLED * total)


def comparison(trait: Trait, names: frozenset[str]) -> CustomComparison:
    """The levels of a trait: unknown, equal (rare values weigh more), nearly equal, swapped with the other name, else."""
    left, right = f'"{trait.name}_l"', f'"{trait.name}_r"'
    conditions = [near.format(l=left, r=right) for near in trait.near]
    other = SWAPPED.get(trait.name)
    if other in names:
        conditions.insert(
            0, EXCHANGED.format(l=left, r=right, other_l=f'"{other}_copy_l"', other_r=f'"{other}_copy_r"')
        )
    return CustomComparison(
        output_column_name=trait.name,
        comparison_levels=[
            levels.NullLevel(trait.name),
            levels.ExactMatchLevel(trait.name, term_frequency_adjustments=True),
            *(levels.CustomLevel(condition, label_for_charts=condition) for condition in conditions),
            levels.ElseLevel(),
        ],
    )
