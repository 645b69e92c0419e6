"""The pilot is part of the playbook, and one that cannot be judged is refused with its line."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from activation.load import PlaybookError, load_playbook
from activation.playbook.playbook import Playbook
from tests.unit.activation.shop import MODELS, PLAYBOOK, SEGMENTS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PLAYBOOK, tmp_path / "playbook"))


def load(folder: Path) -> Playbook:
    return load_playbook(folder, segments=SEGMENTS, models=MODELS)


def test_a_pilot_is_part_of_the_version_and_may_be_missing(folder: Path) -> None:
    whole = load(folder)
    assert whole.pilot is not None
    assert (whole.pilot.outcome, whole.pilot.control, whole.pilot.days) == ("conversion", "global_holdout", 360)
    (folder / "pilot.yml").unlink()
    without = load(folder)
    assert without.pilot is None
    assert without.version != whole.version


def test_a_version_of_before_there_were_pilots_and_breakers_still_loads(folder: Path) -> None:
    stored = json.loads(load(folder).to_json())
    del stored["pilot"], stored["policies"]["breakers"]
    for flow in stored["flows"]:
        del flow["ramp"]
    book = Playbook.from_json(json.dumps(stored))
    assert book.pilot is None
    assert book.policies.breakers is None
    assert {book.standing(item, date(2025, 6, 1)).fault for item in book.items() if item.kind == "flow"} == {None}


@pytest.mark.parametrize(
    ("old", "new", "at", "message"),
    [
        ("control: global_holdout", "control: spring_sale", "control", "experiment spring_sale is unknown"),
        ("outcome: conversion", "outcome: revenue", "outcome", "global_holdout is decided by conversion, not by revenue"),
        ("ends_on: 2025-12-31", "ends_on: 2025-02-06", "ends_on", "the pilot lasts 32 days, and global_holdout cannot be judged before 91"),
        ("ends_on: 2025-12-31", "ends_on: 2025-01-06", "pilot", "ends_on is not after starts_on"),
        ("control: global_holdout", "control: global_holdout\narm: holdout", "arm", "holdout is no arm of global_holdout that is tried"),
        ("control: global_holdout", "control: global_holdout\nflows: [spring_sale]", "flows", "flow spring_sale is unknown"),
        ("stage: human_clicks", "stage: delivered", "stage", "stage delivered is written twice"),
        ("{stage: complaints, at_most: 0.001}", "{stage: complaints}", "stage", "a target is one of at_least and at_most"),
        ("stage: complaints", "stage: prayers", "stage", "stage: input should be 'delivered'"),
        ("owner:", "boss:", "boss", "boss is not known here"),
    ],
)  # fmt: skip
def test_a_pilot_that_cannot_be_judged_is_named_with_its_line(
    folder: Path, old: str, new: str, at: str, message: str
) -> None:
    text = (folder / "pilot.yml").read_text()
    (folder / "pilot.yml").write_text(text.replace(old, new, 1))
    with pytest.raises(PlaybookError) as caught:
        load(folder)
    lines = str(caught.value).splitlines()
    (found,) = [line for line in lines if message in line]
    assert found.startswith("playbook/pilot.yml:")
    number = int(found.split(":")[1])
    assert (folder / "pilot.yml").read_text().splitlines()[number - 1].lstrip(" -{").startswith(at)
