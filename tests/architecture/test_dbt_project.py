"""The dbt project keeps its own rules; each test lists the models against one of them."""

import re
from pathlib import Path
from typing import Any

import pytest

Node = dict[str, Any]

STAGES = {"sources", "identity", "behavior", "propensity", "audiences", "measurement"}
SEGMENT_META = {"action", "owner", "refresh", "expires_on", "minimum_size", "minimum_days", "flip_budget"}


def folders(model: Node) -> tuple[str, ...]:
    """Folders of a model below `models`."""
    return Path(model["path"]).parts[:-1]


def layer(models: list[Node], name: str) -> list[Node]:
    found = [model for model in models if folders(model)[0] == name]
    assert found, f"no model in {name}: the rule would check nothing"
    return found


def property_file(model: Node) -> Path | None:
    return Path(model["patch_path"].partition("://")[2]) if model["patch_path"] else None


def test_staging_models_are_named_after_their_vendor(models: list[Node]) -> None:
    wrong = [
        model["path"]
        for model in layer(models, "staging")
        if not re.fullmatch(rf"(stg|base)_{folders(model)[-1]}__\w+", model["name"])
    ]

    assert wrong == []


def test_what_a_vendor_gives_is_no_node_of_its_own(models: list[Node]) -> None:
    wrong = [
        model["name"]
        for model in layer(models, "staging")
        if (model["config"]["materialized"] == "ephemeral") != model["name"].startswith("stg_")
    ]

    assert wrong == []


def test_canonical_unions_read_what_every_enabled_vendor_gives(models: list[Node]) -> None:
    given = {model["unique_id"] for model in layer(models, "staging") if model["name"].startswith("stg_")}
    unions = [model for model in layer(models, "intermediate") if folders(model)[1] == "sources"]
    read = {parent for model in unions for parent in model["depends_on"]["nodes"]}

    assert given - read == set()


def test_only_enabled_vendors_have_models(manifest: dict[str, Any], models: list[Node]) -> None:
    from orchestration.landing_zone.vendors import enabled_vendors, shipped_vendors

    assert {folders(model)[1] for model in layer(models, "staging")} == set(enabled_vendors())
    assert set(shipped_vendors()) > set(enabled_vendors()), "every vendor is enabled: nothing shows that one can be off"
    assert [name for name in manifest["nodes"] if "klaviyo" in name] == []


def test_intermediate_models_say_what_has_been_done_and_lie_in_a_stage(models: list[Node]) -> None:
    wrong = [
        model["path"]
        for model in layer(models, "intermediate")
        if not re.fullmatch(r"int_[a-z_0-9]+__[a-z_]+", model["name"]) or folders(model)[1] not in STAGES
    ]

    assert wrong == []


def test_marts_lie_in_a_stage_and_are_plain_nouns(models: list[Node]) -> None:
    wrong = [
        model["path"]
        for model in models
        if folders(model)[0] == "marts"
        and (folders(model)[1] not in STAGES or re.match(r"(stg|int|base|mart)_", model["name"]))
    ]

    assert wrong == []


def test_segments_say_who_acts_on_them_and_until_when(models: list[Node]) -> None:
    wrong = {
        model["name"]: sorted(SEGMENT_META - set(model["config"]["meta"]))
        for model in models
        if folders(model)[0] == "segments" and not set(model["config"]["meta"]) >= SEGMENT_META
    }

    assert wrong == {}


def test_each_model_has_its_own_property_file_beside_it(models: list[Node]) -> None:
    wrong = [
        model["path"]
        for model in models
        if (file := property_file(model)) is None or file != Path(model["original_file_path"]).with_suffix(".yml")
    ]

    assert wrong == []


def test_description_starts_with_the_grain(models: list[Node]) -> None:
    wrong = [model["name"] for model in models if not re.match(r"(One row|The newest|All) ", model["description"])]

    assert wrong == []


def test_every_column_is_described(models: list[Node]) -> None:
    wrong = [
        f"{model['name']}.{name}"
        for model in models
        if folders(model)[0] in {"marts", "segments"}
        for name, column in model["columns"].items()
        if not column["description"]
    ]

    assert wrong == []


def test_key_of_every_model_is_tested(manifest: dict[str, Any], models: list[Node]) -> None:
    tests = [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]
    tested = {
        parent
        for test in tests
        if test.get("test_metadata") is None or "unique" in test["test_metadata"]["name"]
        for parent in test["depends_on"]["nodes"]
    }

    # A view of the newest rows of a model has that model's key, what a vendor gives that of its union; refused rows may repeat.
    keyed = [
        model
        for model in models
        if model["config"]["materialized"] not in {"view", "ephemeral"} and folders(model)[0] != "quarantine"
    ]
    assert [model["name"] for model in keyed if model["unique_id"] not in tested] == []


def test_public_models_have_a_contract(models: list[Node]) -> None:
    assert [
        model["name"] for model in models if model["access"] == "public" and not model["config"]["contract"]["enforced"]
    ] == []


def test_marts_belong_to_somebody(manifest: dict[str, Any], models: list[Node]) -> None:
    owners = {group["name"]: group["owner"] for group in manifest["groups"].values()}

    wrong = [model["name"] for model in models if folders(model)[0] == "marts" and model["group"] not in owners]

    assert wrong == []
    assert [name for name, owner in owners.items() if not (owner.get("name") or owner.get("email"))] == []


def test_mart_that_python_reads_is_public(models: list[Node], root: Path) -> None:
    code = "\n".join(
        path.read_text() for package in ("orchestration", "activation") for path in (root / package).rglob("*.py")
    )
    read = set(re.findall(r"\bmarts\.([a-z_]+)", code))

    assert [
        model["name"]
        for model in models
        if folders(model)[0] == "marts" and model["name"] in read and model["access"] != "public"
    ] == []


@pytest.mark.parametrize("layer_name", ["staging", "intermediate"])
def test_no_layer_reads_a_later_one(models: list[Node], layer_name: str) -> None:
    # An intermediate of audiences or measurement may read a mart of an earlier stage: the stages come first, then the layers.
    forbidden = {"staging": {"intermediate", "marts", "segments"}, "intermediate": {"segments"}}[layer_name]
    later = {model["unique_id"] for model in models if folders(model)[0] in forbidden}

    wrong = [model["name"] for model in layer(models, layer_name) if set(model["depends_on"]["nodes"]) & later]

    assert wrong == []


def suppression_models(models: list[Node]) -> list[Node]:
    found = [model for model in models if folders(model) == ("marts", "audiences", "suppressions")]
    assert found, "no reason not to mail: the rule would check nothing"
    return found


def test_union_of_suppressions_reads_every_reason(models: list[Node]) -> None:
    (union,) = (model for model in models if model["name"] == "suppressions")

    assert set(union["depends_on"]["nodes"]) == {model["unique_id"] for model in suppression_models(models)}


def test_reason_that_needs_numbers_has_them_in_the_playbook(root: Path, models: list[Node]) -> None:
    rules = re.findall(r"^  - reason: (\w+)$", (root / "playbook" / "policies.yml").read_text(), re.MULTILINE)
    needed = [
        model["name"].removeprefix("suppressions_")
        for model in suppression_models(models)
        if "source.holdfast.ops.suppression_rules" in model["depends_on"]["nodes"]
    ]

    assert sorted(rules) == sorted(needed)


def test_every_reason_not_to_mail_is_on_its_page(root: Path, models: list[Node]) -> None:
    page = (root / "docs" / "suppressions.md").read_text()

    assert [
        model["name"]
        for model in suppression_models(models)
        if f"| `{model['name'].removeprefix('suppressions_')}` |" not in page
    ] == []


def test_every_transition_of_the_lifecycle_is_on_its_page(root: Path) -> None:
    machine = (root / "dbt_project" / "macros" / "behavior" / "lifecycle.sql").read_text()
    rows = [re.findall(r"'(\w+)': '?(\w+)'?", line) for line in machine.splitlines() if "{'stage': '" in line]
    transitions = [step for row in rows if (step := dict(row)).get("event")]
    page = (root / "docs" / "lifecycle.md").read_text()

    assert len(transitions) > 10
    assert [
        step
        for step in transitions
        if f"| `{step['stage']}` | {step['event']} | {step.get('after_days', '')} | `{step['to']}` |".replace(
            "|  |", "| |"
        )
        not in page
    ] == []


def test_only_the_engagement_layer_reads_what_providers_say_of_machines(root: Path, models: list[Node]) -> None:
    readers = [
        model["name"]
        for model in models
        if folders(model)[0] != "staging"
        and re.search(r"is_machine|user_agent", (root / "dbt_project" / model["original_file_path"]).read_text())
    ]

    assert readers == ["int_email_engagement__classified"]
