"""Probes one landed file: its format, its header, and an independent count of its records."""

import csv
import gzip
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import BinaryIO, Final, Literal, cast

import pyarrow as pa
import pyarrow.parquet as pq

COMPRESSIONS: Final = {"gz", "zst"}
# Beyond these the engine's readers would fail the whole load rather than the file.
MAX_LINE_BYTES: Final = 2_000_000
MAX_DOCUMENT_LENGTH: Final = 16_000_000


class UnreadableFileError(Exception):
    """One file cannot be read; the message names the fault and no content."""


@dataclass(frozen=True)
class LandingFile:
    """One landed file: a row of `ops.landing_files`."""

    landed_on: date
    vendor: str
    object: str
    file: str
    path: str
    bytes: int
    signature: str
    format: str = ""
    shape: str = ""
    header: list[str] = field(default_factory=list)
    row_count: int = 0
    status: Literal["readable", "refused"] = "readable"


def probe(found: LandingFile) -> LandingFile:
    """The file with its format, shape and header, and its number of records (0 for a CSV, which DuckDB counts).

    Raises:
        UnreadableFileError: it cannot be read to its end, or is of no known type.
    """
    suffixes = found.path.rsplit("/", 1)[-1].lower().split(".")[1:]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    match suffixes[-1:]:
        case ["jsonl" | "ndjson"]:
            return replace(found, format="jsonl", shape="lines", row_count=_count_lines(found))
        case ["json"]:
            return _probe_json(found)
        case ["csv"]:
            return replace(found, format="csv", shape="table", header=_read_header(found))
        case ["parquet"]:
            return _probe_parquet(found)
        case _:
            message = "unknown file type: use .csv, .json, .jsonl (.gz, .zst) or .parquet"
            raise UnreadableFileError(message)


def _open(path: str) -> BinaryIO:
    if path.endswith(".gz"):
        return cast("BinaryIO", gzip.open(path, "rb"))
    if path.endswith(".zst"):
        return cast("BinaryIO", io.BufferedReader(pa.input_stream(path, compression="zstd")))
    return Path(path).open("rb")


def _count_lines(found: LandingFile) -> int:
    count = 0
    try:
        with _open(found.path) as stream:
            for line in stream:
                count += bool(line.decode().strip("\ufeff \t\r\n"))
                if len(line) > MAX_LINE_BYTES:
                    message = f"a line is longer than {MAX_LINE_BYTES} bytes"
                    raise UnreadableFileError(message)
    except (OSError, EOFError, UnicodeDecodeError, pa.ArrowException) as error:
        raise UnreadableFileError(_fault(error)) from error
    return count


def _probe_json(found: LandingFile) -> LandingFile:
    try:
        with _open(found.path) as stream:
            text = stream.read().decode("utf-8-sig")
        content = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and error.pos and text[:1] == "{":
            return replace(found, format="jsonl", shape="lines", row_count=_count_lines(found))
        raise UnreadableFileError(_fault(error)) from error
    except (OSError, EOFError, UnicodeDecodeError, RecursionError, pa.ArrowException) as error:
        raise UnreadableFileError(_fault(error)) from error
    if isinstance(content, list):
        return replace(found, format="json", shape="array", row_count=len(content))
    if isinstance(content, dict) and len(text) > MAX_DOCUMENT_LENGTH:
        message = f"the JSON document is longer than {MAX_DOCUMENT_LENGTH} characters: land lines"
        raise UnreadableFileError(message)
    if isinstance(content, dict):
        wrapped = content.get(found.object, content.get("data"))
        rows = len(wrapped) if isinstance(wrapped, list) else 1
        return replace(found, format="json", shape="document", row_count=rows)
    message = "the JSON document is neither an object nor an array"
    raise UnreadableFileError(message)


def _read_header(found: LandingFile) -> list[str]:
    """Reads a CSV to its end, since only that shows a truncation or a byte that is not UTF-8; returns its header."""
    try:
        with _open(found.path) as stream, io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
            header = next(csv.reader(text), [])
            while text.read(1 << 20):
                pass
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, pa.ArrowException) as error:
        raise UnreadableFileError(_fault(error)) from error
    if not any(name.strip() for name in header):
        message = "the CSV has no header"
        raise UnreadableFileError(message)
    return _distinct_names(header)


def _distinct_names(header: Sequence[str]) -> list[str]:
    names: list[str] = []
    for position, name in enumerate(header, start=1):
        wanted = name.strip() or f"column_{position}"
        taken = {other.lower() for other in names}
        names.append(f"{wanted}_{position}" if wanted.lower() in taken else wanted)
    return names


def _probe_parquet(found: LandingFile) -> LandingFile:
    try:
        rows = pq.read_metadata(found.path).num_rows
    except (OSError, pa.ArrowException) as error:
        message = "the Parquet footer cannot be read"
        raise UnreadableFileError(message) from error
    return replace(found, format="parquet", shape="table", row_count=rows)


def _fault(error: Exception) -> str:
    """Names the fault without quoting the file."""
    match error:
        case json.JSONDecodeError():
            return f"not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        case UnicodeDecodeError():
            return f"not valid UTF-8: {error.reason}"
        case EOFError():
            return "the compressed file ends too early"
        case _:
            return f"cannot be read: {type(error).__name__}"
