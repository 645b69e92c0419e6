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


def plant_households(profiles: pa.Table, households: int) -> pa.Table:
    """Add so many households of three, each with one surname and address; every profile gets an address."""
    rng = random.Random(6)  # noqa: S311
    rows, streets = profiles.to_pylist(), dict[str, str]()
    for row in rows:
        number = row["profile_key"].split(":")[1].split("-")[0]
        row["address"] = streets.setdefault(number, f"{rng.choice(LAST_NAMES)} street {rng.randrange(1, 300)}")
    for home in range(households):
        shared = {
            "last_name": rng.choice(LAST_NAMES), "address": f"{rng.choice(LAST_NAMES)} street {rng.randrange(1, 300)}",
            "postcode": f"{rng.randrange(10_000, 99_999)}", "city": rng.choice(("Oslo", "Lyon", "Graz", "York")),
            "source": "crm",
        }  # fmt: skip
        for place, first_name in enumerate(rng.sample(FIRST_NAMES, 3)):
            born = f"{rng.randrange(1940, 2005)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"
            key = f"crm:home{home}-{place}"
            own = {"profile_key": key, "customer_id": f"c_{key}", "first_name": first_name, "date_of_birth": born}
            rows.append(shared | own)
    return pa.Table.from_pylist(rows)
