"""Which pairs are looked at: rules of equality, chosen by the number of pairs that they make."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

from ml.identity.compare import Trait

PAIRS_PER_PROFILE = 150  # candidate pairs a profile may have on average ...
FEWEST_PAIRS = 500_000  # ... and what a small table may always have
MOST_PAIRS = 40_000_000  # what fits into the memory of a small machine
FEWEST_TRAINING_PAIRS = 30
MOST_PAIRS_PER_PROFILE = 20  # in a block for training; beyond it matches drown

KEYS = {  # coarser keys of a trait, so that a typo elsewhere in the value costs nothing
    "first_name": {"first_name_start": "first_name[:3]"},
    "last_name": {"last_name_start": "last_name[:3]", "last_name_end": "reverse(last_name)[:3]"},
    "date_of_birth": {"birth_year": "date_of_birth[:4]", "birthday": "date_of_birth[6:]"},
    "email": {"inbox": "split_part(email, '@', 1)", "email_start": "email[:5]"},
    "phone": {"phone_end": "phone[-7:]"},
    "address": {"address_start": "address[:8]"},
    "postcode": {"postcode_start": "postcode[:3]"},
    "city": {"city_start": "city[:4]"},
}
BOTH_NAMES = {"both_names": "least(first_name, last_name) || ' ' || greatest(first_name, last_name)"}


@dataclass(frozen=True)
class Block:
    """Profiles of different customers that agree on all columns are a candidate pair; `pairs` counts them (an upper bound)."""

    columns: tuple[str, ...]
    pairs: int

    @property
    def rule(self) -> str:
        """As Splink takes it."""
        return " and ".join(f'l."{name}" = r."{name}"' for name in self.columns)


def candidate_pairs(connection: Any, traits: tuple[Trait, ...]) -> int:
    """Create `pairs`: left_no < right_no of each candidate pair, of every block once; returns their number."""
    connection.execute("create or replace table pairs (left_no bigint, right_no bigint)")
    for block in blocking_blocks(connection, traits):
        connection.execute(
            f"""
            insert into pairs select l.unique_id, r.unique_id
            from candidates as l, candidates as r where l.unique_id < r.unique_id and l.customer_no <> r.customer_no and {block.rule}
            """
        )
    connection.execute("create or replace table pairs as select distinct left_no, right_no from pairs")
    (count,) = connection.execute("select count(*) from pairs").fetchone()
    return int(count)


def blocking_blocks(connection: Any, traits: tuple[Trait, ...]) -> list[Block]:
    """Blocks for candidate pairs: the most selective first, as many as the budget of pairs pays for."""
    names = {trait.name for trait in traits}
    keys = {key: sql for name in sorted(names & KEYS.keys()) for key, sql in KEYS[name].items()}
    if {"first_name", "last_name"} <= names:
        keys |= BOTH_NAMES
    for key, sql in keys.items():
        connection.execute(f'alter table candidates add column "{key}" varchar')
        connection.execute(f"update candidates set \"{key}\" = nullif({sql}, '')")
    (total,) = connection.execute("select count(*) from candidates").fetchone()
    budget = min(max(FEWEST_PAIRS, PAIRS_PER_PROFILE * total), MOST_PAIRS)
    columns = sorted(names) + sorted(keys)
    counted = count_blocks(connection, [(name,) for name in columns])
    counted += count_blocks(connection, list(combinations(columns, 2)))
    chosen: list[Block] = []
    for block in sorted(filter(lambda block: block.pairs, counted), key=lambda block: (block.pairs, block.columns)):
        if block.pairs > budget:
            break
        budget -= block.pairs
        chosen.append(block)
    return [block for block in chosen if not any(set(other.columns) < set(block.columns) for other in chosen)]


def count_blocks(connection: Any, wanted: list[tuple[str, ...]]) -> list[Block]:
    """Count the pairs of each set of columns; groups of one customer are counted in."""
    counted = []
    for columns in wanted:
        by = ", ".join(f'"{name}"' for name in columns)
        known = " and ".join(f'"{name}" is not null' for name in columns)
        (pairs,) = connection.execute(
            f"""
            select coalesce(sum(members * (members - 1) // 2), 0)
            from (select count(*) as members from candidates where {known} group by {by})
            """
        ).fetchone()
        counted.append(Block(columns, int(pairs)))
    return counted


def training_blocks(connection: Any, traits: tuple[Trait, ...]) -> list[Block]:
    """Blocks for training in the order of their use: of one trait, then of two, the most selective first.

    EM tells matches from others only in a block that holds enough of both: a few pairs for each profile.
    """
    names = sorted(trait.name for trait in traits)
    (total,) = connection.execute("select count(*) from candidates").fetchone()
    return [
        block
        for size in (1, 2)
        for block in sorted(count_blocks(connection, list(combinations(names, size))), key=lambda block: block.pairs)
        if FEWEST_TRAINING_PAIRS <= block.pairs <= MOST_PAIRS_PER_PROFILE * total
    ]
