"""Real data sets in which someone has labelled who is one person, as profiles of the platform."""

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

COLUMNS = (
    "profile_key", "source", "first_name", "last_name", "date_of_birth", "email", "address", "city", "postcode", "region", "person",
)  # fmt: skip
SETS = ("febrl1", "febrl2", "febrl4", "rldata500", "fake_1000")


def labelled(name: str, data: Path) -> pa.Table:
    """Profiles of a set with their `person`; null where the set says nothing.

    Args:
        name: One of SETS.
        data: Folder of the real public data.
    """
    readers = {
        "febrl1": lambda: _febrl(data, plain="dataset1"),
        "febrl2": lambda: _febrl(data, plain="dataset2"),
        "febrl4": lambda: _febrl(data, one="dataset4a", other="dataset4b"),
        "rldata500": lambda: _rldata(data),
        "fake_1000": lambda: _fake(data),
    }
    rows = [{column: row.get(column) or None for column in COLUMNS} for row in readers[name]()]
    return pa.Table.from_pylist(rows, schema=pa.schema([(column, pa.string()) for column in COLUMNS]))


def _read(file: Path) -> Iterator[dict[str, str]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines, skipinitialspace=True):
            yield {name.strip(): value.strip() for name, value in row.items()}


def _febrl(data: Path, **files: str) -> Iterator[dict[str, str]]:
    for source, file in files.items():
        for row in _read(data / "febrl_dev" / f"{file}.csv.gz"):
            born = row["date_of_birth"]
            yield {
                "profile_key": f"{source}:{row['rec_id']}",
                "source": source,
                "first_name": row["given_name"],
                "last_name": row["surname"],
                "date_of_birth": f"{born[:4]}-{born[4:6]}-{born[6:]}" if len(born) == 8 else born,
                "address": f"{row['street_number']} {row['address_1']}".strip(),
                "city": row["suburb"],
                "postcode": row["postcode"],
                "region": row["state"],
                "person": row["rec_id"].split("-")[1],
            }


def _rldata(data: Path) -> Iterator[dict[str, str]]:
    for row in _read(data / "rldata500" / "RLdata500.csv.gz"):
        known = {name: "" if value == "NA" else value for name, value in row.items()}
        yield {
            "profile_key": f"plain:{row['rec_id']}",
            "source": "plain",
            "first_name": f"{known['fname_c1']} {known['fname_c2']}".strip(),
            "last_name": f"{known['lname_c1']} {known['lname_c2']}".strip(),
            "date_of_birth": f"{int(row['by']):04d}-{int(row['bm']):02d}-{int(row['bd']):02d}",
            "person": row["ent_id"],
        }


def _fake(data: Path) -> Iterator[dict[str, str]]:
    for row in _read(data / "splink_fake_1000" / "fake_1000.csv.gz"):
        yield {
            "profile_key": f"plain:{row['unique_id']}",
            "source": "plain",
            "first_name": row["first_name"],
            "last_name": row["surname"],
            "date_of_birth": row["dob"],
            "city": row["city"],
            "email": row["email"],
            "person": row["cluster"],
        }
