"""A parse is kept for all homes: it says what dbt says in each, holds no other home and no secret, and ends with the files it is of."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestration import dbt, parsed_project
from orchestration.dbt import DbtProjectRunner
from orchestration.parsed_project import KEPT
from orchestration.resources import Settings, prepare_home

FILES = {
    "dbt_project.yml": "{name: small, profile: small, flags: {send_anonymous_usage_stats: false}}",
    "profiles.yml": """
small:
  target: duckdb
  outputs: {duckdb: {type: duckdb, path: "{{ env_var('HOLDFAST_HOME') }}/warehouse.duckdb"}}
""",
    "macros/hashed.sql": "{% macro hashed(value) %}sha256('{{ env_var('HOLDFAST_SALT') }}' || {{ value }}){% endmacro %}",
    "models/sources.yml": """
sources:
  - name: state
    tables:
      - name: ledger
        config: {meta: {external_location: "read_parquet('{{ env_var('HOLDFAST_HOME') }}/state/*.parquet')"}}
        columns: [{name: id, data_tests: [not_null]}]
""",
    "models/sends.sql": "select id, {{ hashed('id') }} as hash from {{ source('state', 'ledger') }}",
    "models/sends.yml": "{models: [{name: sends, columns: [{name: hash, data_tests: [unique]}]}]}",
}
Home = Callable[..., Settings]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project in place of the repository's."""
    folder = tmp_path / "project"
    for name, text in FILES.items():
        folder.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
        folder.joinpath(name).write_text(text)
    monkeypatch.setattr(dbt, "PROJECT", folder)
    monkeypatch.setattr(parsed_project, "PROJECT", folder)
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Makes homes: `home("one")`; the environment is that of the newest one, and as it was at the end."""
    before = dict(os.environ)

    def make(name: str, **settings: str) -> Settings:
        tmp_path.joinpath(name).mkdir(exist_ok=True)
        return prepare_home(home=tmp_path / name, landing=tmp_path, **{"salt": "pepper-and-salt", **settings})

    yield make
    os.environ.clear()
    os.environ.update(before)


def parsed_by_dbt(settings: Settings) -> dict[str, Any]:
    """What dbt itself makes of the project in a home."""
    runner = DbtProjectRunner(settings)
    return runner._invoke(["parse"]).result.to_dict()  # type: ignore[no-any-return]


def without_what_every_parse_has_of_its_own(manifest: dict[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in manifest.items() if name not in {"metadata", "env_vars", "files", "_lock"}}
    return json.loads(json.dumps(said), object_hook=_without_moments)  # type: ignore[no-any-return]


def _without_moments(node: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in node.items() if name not in {"created_at", "state_check", "_parsing_info"}}


def count_parses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []
    invoke = DbtProjectRunner._invoke

    def counted(self: DbtProjectRunner, arguments: list[str]) -> Any:
        asked.append(arguments[0])
        return invoke(self, arguments)

    monkeypatch.setattr(DbtProjectRunner, "_invoke", counted)
    return asked


@pytest.mark.usefixtures("project")
def test_second_home_gets_what_dbt_would_say_there_and_no_parse(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    one = DbtProjectRunner(home("one"))
    _ = one.manifest, one.compiled_tests
    asked = count_parses(monkeypatch)
    other = DbtProjectRunner(home("a 'second' home, é"))
    manifest, written, tests = other.manifest.to_dict(), other.manifest_json, other.compiled_tests
    assert asked == []
    own = parsed_by_dbt(other.settings)
    assert without_what_every_parse_has_of_its_own(manifest) == without_what_every_parse_has_of_its_own(own)
    [source] = written["sources"].values()
    assert str(other.settings.home) in source["relation_name"]
    assert any(str(other.settings.home) in sql for sql in tests.values())


def test_what_is_kept_names_no_home_and_is_read_by_its_owner_only(project: Path, home: Home) -> None:
    runner = DbtProjectRunner(home("one"))
    _ = runner.manifest, runner.compiled_tests
    [folder] = (project / "target" / "parsed").iterdir()
    texts = {path.name: path.read_text() for path in folder.iterdir()}
    assert set(texts) == {"parsed.json", "manifest.json", "compiled_tests.json"}
    assert [name for name, text in texts.items() if str(runner.settings.home) in text] == []
    assert "pepper-and-salt" not in texts["parsed.json"] + texts["manifest.json"]
    assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("settings", "edited"), [({"salt": "other"}, None), ({"timezone": "Europe/Berlin"}, None), ({}, "models/sends.sql"), ({}, "new.txt")]
)  # fmt: skip
def test_other_settings_and_other_files_are_parsed_anew(
    project: Path, home: Home, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], edited: str | None
) -> None:
    _ = DbtProjectRunner(home("one")).manifest
    if edited:
        project.joinpath(edited).write_text("select 1 as id, 'b' as hash")
    asked = count_parses(monkeypatch)
    manifest = DbtProjectRunner(home("one", **settings)).manifest
    assert asked == ["parse"]
    [model] = [node for node in manifest.nodes.values() if node.name == "sends"]
    assert (edited == "models/sends.sql") == ("'b'" in model.raw_code)


def test_home_whose_name_stands_in_the_project_is_put_into_no_other_home(
    project: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = home("one")
    project.joinpath("models/sends.sql").write_text(f"select '{one.home}' as id, 'b' as hash")
    _ = DbtProjectRunner(one).manifest
    other = DbtProjectRunner(home("other"))
    own = parsed_by_dbt(other.settings)
    assert without_what_every_parse_has_of_its_own(other.manifest.to_dict()) == without_what_every_parse_has_of_its_own(
        own
    )
    asked = count_parses(monkeypatch)
    above = DbtProjectRunner(home("."))
    _ = above.manifest
    again = DbtProjectRunner(home(".")).manifest
    assert asked == ["parse"]
    assert {path.project_root for file in again.files.values() if (path := file.path)} >= {str(project)}


def test_only_the_newest_parses_are_kept(project: Path, home: Home) -> None:
    folder = project / "target" / "parsed"
    for number in range(KEPT + 3):
        old = folder / f"old{number}"
        old.mkdir(parents=True)
        os.utime(old, (number, number))
    _ = DbtProjectRunner(home("one")).manifest
    kept = {path.name for path in folder.iterdir()}
    assert len(kept) == KEPT
    assert {f"old{number}" for number in range(4)}.isdisjoint(kept)
    assert f"old{KEPT + 2}" in kept


def test_read_only_project_is_kept_in_the_home(project: Path, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda _, mode: mode != os.W_OK)
    settings = home("one")
    _ = DbtProjectRunner(settings).manifest
    assert not (project / "target").exists()
    assert len(list((settings.home / "dbt_target" / "parsed").iterdir())) == 1
