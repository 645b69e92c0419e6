"""The files that leave the house: Parquet, CSV, one more for each ESP, templates and a manifest; the same rows give the same bytes."""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from activation.emails.templates import templates_of, write_templates
from activation.playbook.content import Content
from activation.playbook.destinations import Esp
from activation.release.esp_files import write_esp_files
from activation.state.tables import LIST_COLUMNS, create_tables

Status = Literal["proposed", "released"]

NAME = "send_list"
MANIFEST = "manifest.json"

# What an ESP imports: the address first, no column that only the platform reads.
CSV_COLUMNS = (
    "email", "flow", "step", "subject", "template", "topic", "arm", "segment", "block_choices", "send_date", "send_after_utc",
    "send_before_utc", "list_unsubscribe", "list_unsubscribe_post", "decision_id", "idempotency_key",
)  # fmt: skip

ROWS = f"select {', '.join(LIST_COLUMNS)} from activation.send_list where send_date = $send_date order by decision_id"


@dataclass(frozen=True)
class PublishedFile:
    """One file, by its path below the manifest's folder, its size in bytes and its sha256."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a folder of published files holds.

    Attributes:
        send_date: The day to send on.
        status: proposed (decided, nobody claimed it) or released (claimed; send exactly this).
        rows: Emails.
        playbook_versions: Versions that decided.
        model_versions: Model and version pairs that were used, as `model:version`.
        files: The files beside the manifest.
        release: Who claimed when, and how many were dropped for which reason; empty for a proposal.
    """

    send_date: date
    status: Status
    rows: int
    playbook_versions: tuple[str, ...]
    model_versions: tuple[str, ...]
    files: tuple[PublishedFile, ...]
    release: Mapping[str, Any]


def publish_send_list(
    connection: duckdb.DuckDBPyConnection,
    directory: Path,
    *,
    send_date: date,
    status: Status = "proposed",
    contents: Mapping[str, Content] | None = None,
) -> Manifest:
    """Publish a day's send list under `<directory>/send_list/<send_date>/`; a day without emails gets empty files.

    Args:
        connection: The warehouse.
        directory: The publish folder.
        send_date: The day to send on.
        status: What the manifest says; a release publishes by `activation.release.release`.
        contents: What emails are made of, by version of the playbook.
    """
    create_tables(connection)
    table = connection.execute(ROWS, {"send_date": send_date}).to_arrow_table()
    return write_files(table, folder_of(directory, send_date), send_date=send_date, status=status, contents=contents)


def folder_of(directory: Path, send_date: date) -> Path:
    """Where the files of a send date are."""
    return directory / NAME / send_date.isoformat()


def write_files(
    table: pa.Table,
    folder: Path,
    *,
    send_date: date,
    status: Status,
    release: Mapping[str, Any] | None = None,
    contents: Mapping[str, Content] | None = None,
    is_importable: bool = True,
    esps: Sequence[Esp] = (),
) -> Manifest:
    """Write Parquet, CSVs, templates and manifest; readers see old or new files, and the manifest changes last.

    Args:
        table: Columns of the send list, in the order in which the rows are to be written.
        folder: Where to; created where missing, leftovers of killed writers are swept.
        send_date: For the manifest.
        status: For the manifest.
        release: For the manifest.
        contents: What emails are made of, by version of the playbook.
        is_importable: Whether an ESP may import it; otherwise there is no CSV that one could.
        esps: Those whose importers get a file of their own.
    """
    sweep(folder.parent)
    sweep(folder)
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{NAME}.parquet", *([f"{NAME}.csv"] if is_importable else []), *(f"{esp}.csv" for esp in esps)]
    written = [folder / f"{name}.tmp" for name in names]
    pq.write_table(table, written[0], compression="zstd")
    if is_importable:
        pa_csv.write_csv(table.select(CSV_COLUMNS), written[1])
    if esps:
        write_esp_files(table, esps, folder, ending=".csv.tmp")
    templates = write_templates(folder, templates_of(table, contents or {})) if is_importable else ()
    manifest = Manifest(
        send_date=send_date,
        status=status,
        rows=table.num_rows,
        playbook_versions=tuple(sorted(set(table["playbook_version"].to_pylist()))),
        model_versions=_models(table),
        files=tuple(_describe(path, folder) for path in (*written, *templates)),
        release=release or {},
    )
    manifest_file = folder / f"{MANIFEST}.tmp"
    manifest_file.write_text(
        json.dumps(asdict(manifest), indent=2, sort_keys=True, default=str) + "\n", encoding="utf-8"
    )
    for temporary in (*written, manifest_file):
        temporary.replace(temporary.with_suffix(""))
    return manifest


def sweep(folder: Path) -> None:
    """Remove what a killed writer left: files and folders that end in .tmp."""
    for leftover in folder.glob("*.tmp"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


def _describe(path: Path, folder: Path) -> PublishedFile:
    content = path.read_bytes()
    name = path.relative_to(folder).as_posix()
    return PublishedFile(name.removesuffix(".tmp"), len(content), hashlib.sha256(content).hexdigest())


def _models(table: pa.Table) -> tuple[str, ...]:
    used = (json.loads(text) for text in table["model_versions"].unique().to_pylist())
    return tuple(sorted({f"{model}:{version}" for versions in used for model, version in versions.items()}))
