"""What sources declare decides from when decisions do without them."""

import shutil
from pathlib import Path

import pytest

from activation.load import PlaybookError, load_playbook
from activation.playbook.playbook import Playbook
from activation.playbook.service_levels import ServiceLevel
from tests.unit.activation.shop import MODELS, PLAYBOOK, SEGMENTS, Shop, playbook

FILE = "service_levels.yml"


def level(**changes: object) -> ServiceLevel:
    declared = {"source": "sendgrid", "expected_every": "1d", "late_after": "24h", "max_bad_share": 0.02}
    return ServiceLevel.model_validate(declared | changes)


def with_level(declared: ServiceLevel) -> Playbook:
    book = playbook()
    others = tuple(each for each in book.service_levels if each.source != declared.source)
    return book.model_copy(update={"service_levels": (*others, declared)})


@pytest.mark.parametrize(
    ("every", "late_after", "last_good_age"), [("1d", "24h", 2), ("1d", "12h", 1), ("7d", "1d", 8), ("24h", "47h", 2)]
)
def test_source_is_stale_after_its_rhythm_and_its_grace(every: str, late_after: str, last_good_age: int) -> None:
    declared = level(expected_every=every, late_after=late_after)

    assert [declared.is_stale(age) for age in (0, last_good_age, last_good_age + 1, None)] == [False, False, True, True]


def test_undeclared_source_is_stale() -> None:
    assert playbook().is_stale("carrier_pigeon", 0)


@pytest.mark.parametrize(("late_after", "is_stale"), [("24h", True), ("48h", False)])
def test_decision_stops_by_the_declared_level_of_the_unsubscribe_feed(
    shop: Shop, late_after: str, is_stale: bool
) -> None:
    shop.connection.execute("delete from marts.event_freshness")
    shop.fresh("sendgrid", age=3)

    assert shop.decide(book=with_level(level(late_after=late_after))).is_feed_stale is is_stale


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("late_after: 24h", "late_after: soon", "late_after: string should match pattern '^[1-9][0-9]*[hd]$'"),
        ("max_bad_share: 0.02", "max_bad_share: 2", "max_bad_share: input should be less than or equal to 1"),
        ("expected_every: 1d", "expected: 1d", "expected is not known here"),
        ("source: segment", "source: shopify", "source shopify is written twice"),
    ],
)
def test_fault_of_a_level_is_named_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    folder = Path(shutil.copytree(PLAYBOOK, tmp_path / "playbook"))
    text = (folder / FILE).read_text()
    (folder / FILE).write_text(text.replace(old, new, 1))
    line = text[: text.index(old)].count("\n") + 1

    with pytest.raises(PlaybookError) as caught:
        load_playbook(folder, segments=SEGMENTS, models=MODELS)

    assert f"playbook/{FILE}:{line}: {message}" in str(caught.value).splitlines()


def test_sources_that_are_read_or_decided_by_must_declare_a_level(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(PLAYBOOK, tmp_path / "playbook"))
    rest = (folder / FILE).read_text().partition("  - source: plain\n")[0].partition("  - source: segment\n")[0]
    (folder / FILE).write_text(rest)

    with pytest.raises(PlaybookError) as caught:
        load_playbook(folder, segments=SEGMENTS, models=MODELS, sources=frozenset({"shopify", "hubspot"}))

    told = [line.rpartition(": ")[2] for line in str(caught.value).splitlines()]
    assert told[-1] == "source hubspot is read and declares no service level"
    assert told.count("source segment declares no service level") >= 1
    assert {"source sendgrid declares no service level", "source plain declares no service level"} <= set(told)
