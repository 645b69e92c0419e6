"""What watches the state machine can fail: each part of the waterfall, claim or release that is broken on purpose is noticed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from activation.decision import arms, candidates, contest, decide, eligibility
from activation.release import claims, release
from activation.state import store as state
from tests.unit.activation.machine import World

Patch = pytest.MonkeyPatch


def live(home: Path) -> World:
    """A shared mailbox, somebody who leaves in time, an open case, replays, and two who become one before a late release."""
    world = World(home)
    world.decide()
    world.say(0, "unsubscribed")
    world.release()
    world.check()
    world.land([("sign_up_at", 1, 0), ("renewal", 1, 0), ("ticket", 3, 0), ("renewal", 3, 0)])
    for _ in range(2):
        world.decide()
        world.release()
        world.check()
    world.land([("sign_up", 0, 0)] * 3)
    world.decide()
    world.land([("merge", 6, 7)])
    world.release(1)
    world.check()
    world.finish()
    return world


def test_shop_whose_parts_are_whole_is_found_in_order(tmp_path: Path) -> None:
    world = live(tmp_path)
    assert world.tally["emails"] >= 5
    assert world.tally["merges"] == 1


def replaced(module: Any, name: str, before: str, after: str) -> Callable[[Patch], None]:
    def patch(monkeypatch: Patch) -> None:
        text = getattr(module, name)
        assert before in text
        monkeypatch.setattr(module, name, text.replace(before, after))

    return patch


def without_keys(monkeypatch: Patch) -> None:
    """Neither arbitration nor the ledger keeps a second email from a mailbox."""
    monkeypatch.setattr(contest, "ARBITRATION", contest.ARBITRATION.replace(") > 1", ") > 9"))
    monkeypatch.setattr(claims, "CONFLICTS", ())
    for key in ("one_send_per_mailbox_and_day on ledger (send_date, kind, mailbox_hash)",):
        monkeypatch.setattr(state, "TABLES", state.TABLES.replace(f"create unique index if not exists {key};", ""))


def without_conflicts(monkeypatch: Patch) -> None:
    monkeypatch.setattr(claims, "CONFLICTS", ())


def with_less(monkeypatch: Patch) -> None:
    """One row of each list is lost on its way into the files."""
    genuine = release.emails_of
    monkeypatch.setattr(release, "emails_of", lambda *given, **named: genuine(*given, **named).slice(1))


def with_other_keys(monkeypatch: Patch) -> None:
    """What is published is not what was claimed."""
    genuine = release.emails_of

    def renamed(*given: Any, **named: Any) -> pa.Table:
        table = genuine(*given, **named)
        place = table.schema.get_field_index("idempotency_key")
        keys = pa.array([f"x{key}" for key in table["idempotency_key"].to_pylist()], pa.string())
        return table.set_column(place, "idempotency_key", keys)

    monkeypatch.setattr(release, "emails_of", renamed)


def with_rows_twice(monkeypatch: Patch) -> None:
    genuine = release.emails_of

    def doubled(*given: Any, **named: Any) -> pa.Table:
        table = genuine(*given, **named)
        return pa.concat_tables([table, table])

    monkeypatch.setattr(release, "emails_of", doubled)


def never_published(monkeypatch: Patch) -> None:
    monkeypatch.setattr(release, "mark_published", lambda *_, **__: None)


BROKEN: dict[str, tuple[Callable[[Patch], None], str]] = {
    "unique keys": (without_keys, "emails of one key"),
    "conflicts of a claim": (without_conflicts, "begun twice"),
    "recheck": (replaced(release, "REFUSED", "case\n", "case when true then null\n"), "unsubscribed"),
    "a row of a list": (with_less, "lost a decision|not what was claimed"),
    "claimed rows only": (with_other_keys, "not what was claimed|what was not claimed"),
    "each row once": (with_rows_twice, "emails of one key|lost a decision"),
    "mark of what was published": (never_published, "was not published"),
    "holdout": (replaced(arms, "HELD_OUT", "where mailboxes.is_held_out", "where false"), "held out"),
    "suppressions of people": (
        lambda patch: patch.setattr(eligibility, "SCOPE_KEYS", ("mailbox_hash", "household_id")),
        "suppressed",
    ),
    "flows for each occurrence": (replaced(candidates, "DUE", "when 'each' then true", "when 'each' then false"), "lost the decision"),
    "same inputs, same rows": (
        replaced(decide, "DECIDED", "scored.expected_value,", "round(random(), 6) as expected_value,"),
        "differently from the same inputs",
    ),
}  # fmt: skip


@pytest.mark.parametrize("part", list(BROKEN))
def test_what_is_broken_is_noticed(tmp_path: Path, monkeypatch: Patch, part: str) -> None:
    breaks, said = BROKEN[part]
    breaks(monkeypatch)
    with pytest.raises(AssertionError, match=said):
        live(tmp_path)
