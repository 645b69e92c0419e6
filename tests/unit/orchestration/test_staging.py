"""A row is staged once: neither a file that lands again nor the cut of the windows stages it a second time."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2 import Environment, FileSystemLoader

from orchestration.resources import ROOT

FIRST = date.fromisoformat("2025-03-01")
SOME_DAY, HALF_DAY = datetime.fromisoformat("2025-02-28T18:00:00"), timedelta(hours=12)


class Row(NamedTuple):
    """A landed row: whose record it is, when this version was made (None: it does not say) and what it says."""

    key: str
    half_days: int | None
    text: str


Day = list[Row]
Staged = list[tuple[int, str, str]]
Stage = Callable[..., Staged]


def rows(hours: st.SearchStrategy[int | None]) -> st.SearchStrategy[list[Day]]:
    row = st.builds(Row, st.sampled_from("ab"), hours, st.sampled_from(["x", "y", "bad"]))
    return st.lists(st.lists(row, max_size=3), min_size=1, max_size=4)


TIMES = st.integers(0, 5)
DATED = rows(TIMES)
UNDATED = rows(st.none())
ANY = rows(st.none() | TIMES)


def version(row: Row, day: int) -> datetime:
    """When a row's version was made: some lie before the day it lands, some after; the day itself where it does not say."""
    return (
        datetime.combine(FIRST, datetime.min.time()) + timedelta(days=day)
        if row.half_days is None
        else SOME_DAY + row.half_days * HALF_DAY
    )


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    environment = Environment(loader=FileSystemLoader(ROOT / "dbt_project" / "macros" / "staging"), autoescape=False)  # noqa: S701 (SQL)
    window = {"start": FIRST, "known": False}
    environment.globals.update(
        verdict=lambda _rules: "case when said like '%bad' then {'rule': 'bad', 'message': 'bad'} end",
        mentions_erased=lambda _text: "false",
        is_incremental=lambda: window["known"],
        window_start=lambda: f"cast('{window['start']}' as date)",
        this="staged",
    )
    template = environment.get_template("with_row_status.sql")

    with duckdb.connect() as connection:

        def staged(days: list[Day], *, version_at: str | None, windows: list[int]) -> Staged:
            """What is staged of the days, in windows of the given numbers of days: (day, key, said)."""
            connection.execute(
                "create or replace table landed "
                "(landed_on date, file varchar, row_number bigint, raw varchar, row_key varchar, updated_at timestamp, said varchar)"
            )
            connection.execute("drop table if exists staged")
            for number, day in enumerate(days):
                landed_on = FIRST + timedelta(days=number)
                for place, row in enumerate(day):
                    made_at = version(row, number)
                    said = f"{row.half_days}:{row.text}"
                    values = (landed_on, f"f{number}", place, said, row.key, made_at, said)
                    connection.execute("insert into landed values (?, ?, ?, ?, ?, ?, ?)", values)
            begin = 0
            for size in windows:
                window.update(start=FIRST + timedelta(days=begin), known=begin > 0)
                end = window["start"] + timedelta(days=size)
                relation = f"(from landed where landed_on >= '{window['start']}' and landed_on < '{end}')"
                query = template.make_module().with_row_status(relation, [], version_at)
                verb = "insert into staged" if begin else "create table staged as"
                connection.execute(f"{verb} {query}")
                begin += size
            found = connection.execute(
                "select landed_on, row_key, said from staged where row_status = 'staged' order by all"
            )
            return [((landed_on - FIRST).days, key, said) for landed_on, key, said in found.fetchall()]

        yield staged


@settings(deadline=None)
@given(days=ANY, data=st.data())
@pytest.mark.parametrize("version_at", [None, "updated_at"])
def test_windows_may_be_cut_anywhere(
    stage: Stage, version_at: str | None, days: list[Day], data: st.DataObject
) -> None:
    first = data.draw(st.integers(1, len(days)))
    cut = [first, len(days) - first] if first < len(days) else [first]
    whole = stage(days, version_at=version_at, windows=[len(days)])
    assert stage(days, version_at=version_at, windows=cut) == whole
    assert stage(days, version_at=version_at, windows=[1] * len(days)) == whole


@settings(deadline=None)
@given(days=DATED, data=st.data())
@pytest.mark.parametrize("version_at", [None, "updated_at"])
def test_any_row_may_land_again(stage: Stage, version_at: str | None, days: list[Day], data: st.DataObject) -> None:
    known = [row for day in days for row in day]
    again = data.draw(st.lists(st.sampled_from(known), max_size=4)) if known else []
    before = stage(days, version_at=version_at, windows=[1] * len(days))
    assert stage([*days, again], version_at=version_at, windows=[1] * (len(days) + 1)) == before


@settings(deadline=None)
@given(days=UNDATED)
def test_a_full_export_that_lands_every_day_stages_what_changed(stage: Stage, days: list[Day]) -> None:
    state: dict[str, Row] = {}
    exports, changed = [], 0
    for day in days:
        new = {row.key: row for row in day if row.text != "bad"}
        changed += sum(state.get(key) != row for key, row in new.items())
        state |= new
        exports.append(list(state.values()))
    found = stage(exports, version_at="updated_at", windows=[1] * len(exports))
    assert len(found) == changed


@settings(deadline=None)
@given(days=ANY)
@example(days=[[Row("a", None, "x")], [Row("a", 1, "y")], [Row("a", None, "x")]])
def test_the_newest_staged_version_is_the_newest_that_landed(stage: Stage, days: list[Day]) -> None:
    newest: dict[str, tuple[datetime, str]] = {}
    for number, day in enumerate(days):
        landed: dict[str, tuple[datetime, str]] = {}
        for row in day:
            made_at, said = version(row, number), f"{row.half_days}:{row.text}"
            if row.text != "bad" and (row.key not in landed or made_at > landed[row.key][0]):
                landed[row.key] = made_at, said
        newest |= {key: found for key, found in landed.items() if key not in newest or found[0] > newest[key][0]}
    staged = stage(days, version_at="updated_at", windows=[len(days)])
    assert {key: said for _, key, said in staged} == {key: said for key, (_, said) in newest.items()}
