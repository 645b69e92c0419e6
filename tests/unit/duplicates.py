"""People of whom some have several profiles, with typos, and who is who."""

import random
from typing import NamedTuple

import pyarrow as pa

FIRST_NAMES = (
    "Anna",
    "Ben",
    "Clara",
    "David",
    "Elsa",
    "Frank",
    "Greta",
    "Hugo",
    "Ida",
    "Jonas",
    "Karin",
    "Lars",
    "Maria",
    "Nils",
)
LAST_NAMES = (
    "Berg",
    "Lind",
    "Hansson",
    "Moreau",
    "Novak",
    "Okafor",
    "Petrov",
    "Rossi",
    "Schmidt",
    "Tanaka",
    "Weber",
    "Young",
)


class World(NamedTuple):
    """Profiles with planted duplicates: each third person is in `crm` and, with a typo, in `shop` (and twice in `crm`)."""

    profiles: pa.Table
    person: dict[str, int]


def misspell(value: str, rng: random.Random) -> str:
    place = rng.randrange(1, len(value) - 1)
    return value[:place] + rng.choice("abcdefgh") + value[place + 1 :]


def plant_duplicates(people: int) -> World:
    """So many people; the same ones each time."""
    rng = random.Random(5)  # noqa: S311
    rows, person = [], {}
    for number in range(people):
        base = {
            "first_name": rng.choice(FIRST_NAMES), "last_name": rng.choice(LAST_NAMES),
            "date_of_birth": f"{rng.randrange(1940, 2005)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}",
            "postcode": f"{rng.randrange(10_000, 99_999)}", "city": rng.choice(("Oslo", "Lyon", "Graz", "York")),
        }  # fmt: skip
        for copy, source in enumerate(("crm", "shop", "crm") if number % 3 == 0 else ("crm",)):
            key = f"{source}:{number}-{copy}"
            typo = rng.choice(("first_name", "last_name", "postcode"))
            row = base | ({typo: misspell(base[typo], rng)} if copy else {})
            rows.append(row | {"profile_key": key, "source": source, "customer_id": f"c_{key}"})
            person[key] = number
    rng.shuffle(rows)
    return World(pa.Table.from_pylist(rows), person)
