"""Rewrites files record by record: what is not touched keeps its bytes, and a blanked record keeps its place in the file."""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

MARK: Final = "holdfast:erased"
BLANK_JSON: Final = '{"erased":"holdfast:erased"}'
BOM: Final = "\ufeff"

Shape = Literal["lines", "array", "document", "csv", "parquet"]
Judge = Callable[[Mapping[str, Any]], bool]
Redact = Callable[[str], str]
Announce = Callable[[Path, Path], None]


class Span(NamedTuple):
    """One record's place in a text; `record` is None where it cannot be parsed."""

    start: int
    end: int
    record: Mapping[str, Any] | None


class Rewritten(NamedTuple):
    """How many records of a file were blanked or dropped, and how many only lost a mention."""

    erased: int
    redacted: int


def read_text(path: Path) -> bytes:
    """A file's bytes, uncompressed."""
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    if path.suffix == ".zst":
        with pa.input_stream(str(path), compression="zstd") as stream:
            return bytes(stream.read())
    return path.read_bytes()


def salvage(path: Path) -> bytes:
    """What can be read of a damaged file: all bytes of a plain one, and those before the damage of a compressed one."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        try:
            return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(content)
        except zlib.error:
            return content
    if path.suffix == ".zst":
        found = []
        try:
            with pa.input_stream(str(path), compression="zstd") as stream:
                while piece := stream.read(1 << 16):
                    found.append(piece)
        except OSError:
            pass
        return b"".join(found)
    return content


def count_records(path: Path) -> int:
    """Records of a CSV file, malformed ones included."""
    return sum(1 for _ in _csv_records(read_text(path).decode()))


def rewrite(
    path: Path,
    shape: Shape,
    judge: Judge,
    *,
    redact: Redact,
    wrapper: str = "",
    drop: bool = False,
    write: bool = True,
    announce: Announce | None = None,
) -> Rewritten:
    """Blank the records of erased people in a file, or drop them.

    Args:
        path: The file; replaced by a rename.
        shape: How its records lie.
        judge: Whose record is it? True for an erased person's.
        redact: Takes addresses of erased people out of a record of somebody else.
        wrapper: Name of the array that a JSON document may wrap, such as `orders`.
        drop: Take the records out, rather than keep their places.
        write: False counts only.
        announce: Told of the file and of its new content (a temporary file) before the one replaces the other.

    Raises:
        ValueError: The file cannot be read as its shape says.
    """
    if shape == "parquet":
        return _rewrite_parquet(path, judge, drop=drop, write=write, announce=announce)
    text = read_text(path).decode()
    spans = list(_spans(text, shape, wrapper))
    pieces, position, erased, redacted = [], 0, 0, 0
    for span in spans:
        own = text[span.start : span.end]
        mine = redact(own)
        if span.record is not None and judge(span.record):
            replacement, erased = "" if drop else _blank(own, shape, spans), erased + 1
        elif mine == own:
            continue
        elif span.record is None and shape == "csv":
            replacement, erased = _blank(own, shape, spans), erased + 1
        else:
            replacement, redacted = mine, redacted + 1
        pieces += [text[position : span.start], replacement]
        position = span.end
    if (erased or redacted) and write:
        _replace(path, "".join([*pieces, text[position:]]).encode(), announce)
    return Rewritten(erased, redacted)


def _blank(own: str, shape: Shape, spans: list[Span]) -> str:
    if shape != "csv":
        return BLANK_JSON + own[len(own.rstrip("\r\n")) :]
    cells = next((len(span.record) for span in spans if span.record is not None), 1)
    return MARK + "," * (cells - 1) + own[len(own.rstrip("\r\n")) :]


def _spans(text: str, shape: Shape, wrapper: str) -> Iterator[Span]:
    match shape:
        case "lines":
            yield from _lines(text)
        case "csv":
            yield from _csv_records(text)
        case "array":
            yield from _elements(text, text.index("["))
        case "document":
            yield from _wrapped(text, wrapper)
        case _:
            raise ValueError(shape)


def _lines(text: str) -> Iterator[Span]:
    position = len(BOM) if text.startswith(BOM) else 0
    for line in text[position:].split("\n"):
        end = position + len(line)
        if line.strip():
            yield Span(position, end, _object(line))
        position = end + 1


def _csv_records(text: str) -> Iterator[Span]:
    start = len(BOM) if text.startswith(BOM) else 0
    lines = list(io.StringIO(text[start:], newline=""))
    ends = [start]
    for line in lines:
        ends.append(ends[-1] + len(line))
    reader = csv.reader(lines)
    header = [name.strip().lower() for name in next(reader, [])]
    before = reader.line_num
    for cells in reader:
        if cells:
            record = dict(zip(header, cells, strict=True)) if len(cells) == len(header) else None
            yield Span(ends[before], ends[reader.line_num], record)
        before = reader.line_num


def _elements(text: str, opening: int) -> Iterator[Span]:
    decoder, position = json.JSONDecoder(), _skip(text, opening + 1)
    while text[position] != "]":
        value, end = decoder.raw_decode(text, position)
        yield Span(position, end, value if isinstance(value, dict) else None)
        position = _skip(text, end, ",")


def _wrapped(text: str, wrapper: str) -> Iterator[Span]:
    decoder = json.JSONDecoder()
    start = position = text.index("{")
    data: int | None = None
    position = _skip(text, position + 1)
    while text[position] != "}":
        key, position = decoder.raw_decode(text, position)
        position = _skip(text, position, ":")
        value, end = decoder.raw_decode(text, position)
        if key == wrapper and isinstance(value, list):
            yield from _elements(text, position)
            return
        if key == wrapper[:-1] and isinstance(value, dict):
            yield Span(position, end, value)
            return
        if key == "data" and isinstance(value, list):
            data = position
        position = _skip(text, end, ",")
    if data is not None:
        yield from _elements(text, data)
        return
    yield Span(start, position + 1, _object(text[start : position + 1]))


def _skip(text: str, position: int, more: str = "") -> int:
    while text[position] in " \t\r\n" + more:
        position += 1
    return position


def _object(text: str) -> Mapping[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _rewrite_parquet(path: Path, judge: Judge, *, drop: bool, write: bool, announce: Announce | None) -> Rewritten:
    try:
        table = pq.read_table(path)
    except pa.ArrowException as fault:
        message = "the Parquet file cannot be read"
        raise ValueError(message) from fault
    judged = [judge({name.lower(): value for name, value in row.items()}) for row in table.to_pylist()]
    erased = sum(judged)
    if erased and write:
        mask = pa.array(judged, pa.bool_())
        temporary = _temporary(path)
        pq.write_table(table.filter(pc.invert(mask)) if drop else _blanked(table, mask), temporary, compression="zstd")
        _put(temporary, path, announce)
    return Rewritten(erased, 0)


def _blanked(table: pa.Table, mask: pa.Array) -> pa.Table:
    """The table with nulls in the masked rows, but for the mark in its first text column."""
    columns, is_marked = {}, False
    for name, column in zip(table.column_names, table.columns, strict=True):
        kept = column.combine_chunks()
        if not is_marked and pa.types.is_string(kept.type):
            columns[name], is_marked = pc.if_else(mask, MARK, kept), True
        else:
            columns[name] = kept.take(pc.if_else(mask, None, pa.array(range(len(kept)), pa.int64())))
    if not is_marked:
        columns["erased"] = pc.if_else(mask, MARK, pa.scalar(None, pa.string()))
    return pa.table(columns)


def _replace(path: Path, content: bytes, announce: Announce | None) -> None:
    temporary = _temporary(path)
    match path.suffix:
        case ".gz":
            temporary.write_bytes(gzip.compress(content, mtime=0))
        case ".zst":
            with pa.output_stream(str(temporary), compression="zstd") as stream:
                stream.write(content)
        case _:
            temporary.write_bytes(content)
    _put(temporary, path, announce)


def _put(temporary: Path, path: Path, announce: Announce | None) -> None:
    if announce is not None:
        announce(path, temporary)
    temporary.replace(path)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.tmp")
