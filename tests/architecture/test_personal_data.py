"""Personal columns are marked where they are declared, so that an erasure reaches them and a re-import is refused."""

import re
from typing import Any

import pytest

from orchestration.erasure.lineage import KINDS, MARK, STRONG, WEAK, kind_of, landed_columns

Node = dict[str, Any]

# What a vendor calls a person's data, whatever is before or after it.
SUSPECT = re.compile(
    r"e?mail(_address)?s?$|phone|first_?name|last_?name|address|postcode|zip|(^|_)(customer|profile|user|anonymous)_id$"
)
NOT_PERSONAL = re.compile(r"^(is|has)_|consent|opt_in|user_agent")


def marks(node: Node) -> dict[str, str]:
    found = {name: (column.get("config") or {}).get("meta") or {} for name, column in node["columns"].items()}
    return {name: meta[MARK] for name, meta in found.items() if MARK in meta}


def test_marks_are_of_a_known_kind(manifest: dict[str, Any]) -> None:
    nodes = [*manifest["nodes"].values(), *manifest["sources"].values()]
    wrong = {node["name"]: kind for node in nodes for kind in marks(node).values() if kind not in KINDS}
    assert wrong == {}


def test_columns_that_are_personal_by_name_are_marked(models: list[Node]) -> None:
    # A staging model declares how rows were judged; its other columns are reached by their names.
    wrong = [
        f"{model['name']}.{name}"
        for model in models
        if model["schema"] != "staging"
        for name in model["columns"]
        if kind_of(name, schema=model["schema"]) != marks(model).get(name)
    ]
    assert wrong == []


def test_landed_columns_of_a_person_are_marked(manifest: dict[str, Any]) -> None:
    wrong = [
        f"{source['source_name']}.{source['name']}.{name}"
        for source in manifest["sources"].values()
        if source["identifier"] == "landing_files"
        for name in source["columns"]
        if SUSPECT.search(name) and not NOT_PERSONAL.search(name) and name not in marks(source)
    ]
    assert wrong == []


def test_every_landed_object_of_people_can_bear_a_tombstone(manifest: dict[str, Any]) -> None:
    landed = {key: {column.kind for column in columns} for key, columns in landed_columns(manifest).items()}
    nameless = {key for key, kinds in landed.items() if kinds & {"name", "address"} and not kinds & (STRONG | WEAK)}
    assert nameless == set()
    assert len([key for key, kinds in landed.items() if "email" in kinds]) > 5


@pytest.mark.parametrize(
    ("schema", "column", "kind"),
    [
        ("marts", "primary_email", "email"),
        ("marts", "email_count", None),
        ("marts", "customer_id", "customer_id"),
        ("staging", "customer_id", "profile_key"),
        ("marts", "root_profile_key", "profile_key"),
        ("marts", "model_name", None),
        ("quarantine", "raw", "raw"),
    ],
)
def test_name_of_a_column_says_its_kind(schema: str, column: str, kind: str | None) -> None:
    assert kind_of(column, schema=schema) == kind
