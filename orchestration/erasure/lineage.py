"""Where personal data are: what dbt's columns and Dagster's assets declare, and what a column's name says by itself."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import dagster as dg
import duckdb

MARK: Final = "personal"
STRONG: Final = frozenset(
    {"email", "mailbox_hash", "identifier_hash", "profile_key", "customer_id", "user_id", "order_key"}
)
WEAK: Final = frozenset({"phone", "device"})
KINDS: Final = STRONG | WEAK | {"name", "address", "raw"}

# The same quantity has the same name in every table (docs/naming.md), so a new table is reached before anyone marks it.
CONVENTION: Final = (
    (re.compile(r"(^|_)e?mail(_address)?$"), "email"),
    (re.compile(r"(^|_)phone$"), "phone"),
    (re.compile(r"^(anonymous_id|device|device_id)$"), "device"),
    (re.compile(r"^user_id$"), "user_id"),
    (re.compile(r"(^|_)profile_key$|^profile_id$|^alias$"), "profile_key"),
    (re.compile(r"(^|_)customer_id$"), "customer_id"),
    (re.compile(r"^order_(key|id)$"), "order_key"),
    (re.compile(r"(^|_)mailbox_hash$"), "mailbox_hash"),
    (re.compile(r"^identifier_hash$"), "identifier_hash"),
    (re.compile(r"(^|_)(first|last|full)_?name$|^date_of_birth$"), "name"),
    (re.compile(r"(^|_)(address|postcode|city|region)$"), "address"),
    (re.compile(r"^(raw|payload)$"), "raw"),
)
OWN_IDS: Final = "staging"  # there an id is the vendor's own

COLUMNS: Final = """
select columns.schema_name, columns.table_name, columns.column_name, columns.data_type
from duckdb_columns() as columns
inner join duckdb_tables() as tables using (database_oid, schema_oid, table_name)
where not columns.internal and not tables.temporary and columns.data_type in ('VARCHAR', 'JSON', 'VARCHAR[]')
order by columns.schema_name, columns.table_name, columns.column_index
"""


class PersonalColumn(NamedTuple):
    """A column that holds personal data, or a key to a person, and what kind."""

    name: str
    kind: str
    is_list: bool = False


@dataclass(frozen=True)
class PersonalTable:
    """A table of the warehouse with personal columns."""

    schema: str
    name: str
    columns: tuple[PersonalColumn, ...]

    @property
    def relation(self) -> str:
        """The quoted name."""
        return f'"{self.schema}"."{self.name}"'

    @property
    def vendor(self) -> str | None:
        """Whose ids the table holds; None where ids are the platform's own."""
        return self.name.partition("_")[2].partition("__")[0] if self.schema == OWN_IDS else None

    def of_kinds(self, kinds: frozenset[str]) -> tuple[PersonalColumn, ...]:
        """The columns of some kinds."""
        return tuple(column for column in self.columns if column.kind in kinds)


class LandedColumn(NamedTuple):
    """A column of a landed object that holds personal data: its names in tables, its paths in a JSON record, its kind."""

    headers: tuple[str, ...]
    paths: tuple[str, ...]
    kind: str


def kind_of(column: str, *, schema: str) -> str | None:
    """What kind of personal data a column holds by its name, or None."""
    for pattern, kind in CONVENTION:
        if pattern.search(column):
            return "profile_key" if kind == "customer_id" and schema == OWN_IDS else kind
    return None


def personal_tables(
    connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any], specs: Iterable[dg.AssetSpec]
) -> tuple[PersonalTable, ...]:
    """Every table of a warehouse that holds personal data.

    Args:
        connection: The warehouse.
        manifest: dbt's manifest: a model's or source's column says `meta: {personal: <kind>}`.
        specs: Dagster's assets: one that Python writes may say `metadata={"personal": {column: kind}}`.
    """
    marks = {**_marks_of_dbt(manifest), **_marks_of_assets(specs)}
    found: dict[tuple[str, str], list[PersonalColumn]] = {}
    for schema, table, column, data_type in connection.execute(COLUMNS).fetchall():
        kind = marks.get((schema, table, column)) or kind_of(column, schema=schema)
        if kind in KINDS:
            found.setdefault((schema, table), []).append(PersonalColumn(column, kind, data_type.endswith("[]")))
    return tuple(PersonalTable(schema, table, tuple(columns)) for (schema, table), columns in found.items())


def landed_columns(manifest: Mapping[str, Any]) -> dict[tuple[str, str], tuple[LandedColumn, ...]]:
    """The personal columns of each landed (vendor, object), as its source declares them."""
    found: dict[tuple[str, str], tuple[LandedColumn, ...]] = {}
    for node in manifest["sources"].values():
        columns = [
            _landed_column(name, meta) for name, column in node["columns"].items() if MARK in (meta := _meta(column))
        ]
        found[node["source_name"], node["name"]] = tuple(columns)
    return found


def _landed_column(name: str, meta: Mapping[str, Any]) -> LandedColumn:
    """The places of a column, by the rule of dbt's macro `landing_columns`."""
    places = meta.get("from", [])
    paths = tuple(place for place in places if place.startswith("$"))
    headers = tuple(place for place in places if not place.startswith("$"))
    return LandedColumn((name, *headers), paths or (f"$.{name}",), meta[MARK])


def _marks_of_dbt(manifest: Mapping[str, Any]) -> dict[tuple[str, str, str], str]:
    nodes = [*manifest["nodes"].values(), *manifest["sources"].values()]
    return {
        (node["schema"], node.get("alias") or node["name"], name): meta[MARK]
        for node in nodes
        for name, column in node.get("columns", {}).items()
        if MARK in (meta := _meta(column))
    }


def _marks_of_assets(specs: Iterable[dg.AssetSpec]) -> dict[tuple[str, str, str], str]:
    return {
        (*spec.key.path, column): kind
        for spec in specs
        if len(spec.key.path) == 2
        for column, kind in dict(spec.metadata.get(MARK, {})).items()
    }


def _meta(column: Mapping[str, Any]) -> Mapping[str, Any]:
    meta: Mapping[str, Any] = (column.get("config") or {}).get("meta") or column.get("meta") or {}
    return meta
