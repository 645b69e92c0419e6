"""Reads landed files back, with nothing but the standard library."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def files(landing: Path, name: str) -> list[Path]:
    """The files of an object by day, without those that come again, cut off or with a column renamed."""
    stem = name.rpartition("/")[2]
    return sorted((landing / name).glob(f"landed_on=*/{stem}-[0-9]*"))


def landed_on(path: Path) -> str:
    return path.parent.name.removeprefix("landed_on=")


def records(landing: Path, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The readable records of an object with the day on which each landed."""
    for path in files(landing, name):
        for record in _read(path):
            yield landed_on(path), record


def _read(path: Path) -> Iterator[dict[str, Any]]:
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            yield from csv.DictReader(file)
    elif path.suffix == ".jsonl":
        yield from (record for line in path.read_text().splitlines() if (record := parse(line)))
    else:
        content = json.loads(path.read_text())
        yield from content if isinstance(content, list) else next(iter(content.values()))


def parse(line: str) -> dict[str, Any] | None:
    try:
        record: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return record
