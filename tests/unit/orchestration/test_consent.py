"""Consent is a fold over evidence: no order of arrival, repetition, import or merge turns a no into a yes."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, FileSystemLoader

from orchestration.resources import ROOT

START = datetime.fromisoformat("2025-01-01")
CLOSED = {"unsubscribed", "complained", "bounced"}
SCHEMA = pa.schema(
    [
        ("mailbox", pa.string()), ("statement", pa.string()), ("is_affirmative", pa.bool_()), ("occurred_at", pa.timestamp("us")),
        ("evidence_id", pa.string()),
    ]
)  # fmt: skip


class Statement(NamedTuple):
    """One row of the log."""

    mailbox: str
    statement: str
    is_affirmative: bool
    occurred_at: datetime
    evidence_id: str


class Status(NamedTuple):
    """What the log of a mailbox comes to."""

    status: str
    is_confirmed: bool
    evidence_id: str


Fold = Callable[[list[Statement], str], dict[str, Status]]

TIMES = st.integers(0, 6).map(lambda hours: START + timedelta(hours=hours))
ACTS = st.tuples(st.sampled_from(["subscribed", "confirmed"]), st.booleans()) | st.tuples(
    st.sampled_from(["unsubscribed", "complained", "bounced", "pending"]), st.just(value=False)
)
STATEMENTS = st.builds(
    lambda mailbox, act, at, number: Statement(mailbox, act[0], act[1], at, f"{act[0]}:{act[1]}:{at:%H}:{number}"),
    st.sampled_from(["a", "b"]), ACTS, TIMES, st.integers(0, 2),
)  # fmt: skip
LOGS = st.lists(STATEMENTS, min_size=1, max_size=9)


@pytest.fixture(scope="module")
def fold() -> Iterator[Fold]:
    macros = Environment(loader=FileSystemLoader(ROOT / "dbt_project" / "macros" / "behavior"), autoescape=False)  # noqa: S701 (SQL)
    module = macros.get_template("folded_consent.sql").module
    with duckdb.connect() as connection:

        def folded(log: list[Statement], scope: str = "mailbox") -> dict[str, Status]:
            connection.register("log", pa.Table.from_pylist([entry._asdict() for entry in log], schema=SCHEMA))
            query = f"select {scope}, consent_status, is_confirmed, consent_evidence_id from {module.folded_consent('log', scope)}"
            return {key: Status(*rest) for key, *rest in connection.execute(query).fetchall()}

        yield folded


@given(log=LOGS, data=st.data())
def test_order_and_repetition_change_nothing(fold: Fold, log: list[Statement], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(log + data.draw(st.lists(st.sampled_from(log)))))
    assert fold(shuffled, "mailbox") == fold(log, "mailbox")


@given(log=LOGS, more=STATEMENTS)
def test_only_a_newer_act_of_the_person_reopens(fold: Fold, log: list[Statement], more: Statement) -> None:
    before, after = (fold(entries, "mailbox").get(more.mailbox) for entries in (log, [*log, more]))
    if before is not None and after is not None and before.status in CLOSED and after.status not in CLOSED:
        noes = [entry.occurred_at for entry in log if entry.mailbox == more.mailbox and entry.statement in CLOSED]
        assert more.is_affirmative
        assert more.statement in {"subscribed", "confirmed"}
        assert more.occurred_at > max(noes)


@given(log=LOGS)
def test_a_no_stands_until_a_newer_yes(fold: Fold, log: list[Statement]) -> None:
    for mailbox, found in fold(log, "mailbox").items():
        own = [entry for entry in log if entry.mailbox == mailbox]
        noes = [entry.occurred_at for entry in own if entry.statement in CLOSED]
        yeses = [entry.occurred_at for entry in own if entry.is_affirmative]
        is_open = bool(yeses) and (not noes or max(yeses) > max(noes))
        assert (found.status == "subscribed") == is_open
        assert (found.status in CLOSED) == (bool(noes) and not is_open)
        confirmed = [entry.occurred_at for entry in own if entry.is_affirmative and entry.statement == "confirmed"]
        assert found.is_confirmed == (bool(confirmed) and (not noes or max(confirmed) > max(noes)))
        assert found.evidence_id in {entry.evidence_id for entry in own}


@given(log=LOGS)
def test_merged_person_is_no_more_open_than_the_mailbox_that_closed_last(fold: Fold, log: list[Statement]) -> None:
    merged = fold([entry._replace(mailbox="person") for entry in log], "mailbox")["person"]
    noes = [entry.occurred_at for entry in log if entry.statement in CLOSED]
    yeses = [entry.occurred_at for entry in log if entry.is_affirmative]
    assert (merged.status in CLOSED) == (bool(noes) and not any(yes > max(noes) for yes in yeses))
