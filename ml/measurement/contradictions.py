"""Contradictions in the KPI chain: a number that looks better while another says that it is not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, NamedTuple, get_type_hints

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from scipy import stats

from ml.measurement.changes import Floats, Share, fall, fall_beyond, rise

WEEKS_BEFORE = 4
ALPHA = 0.05
CELL = ["flow", "dimension", "cohort"]

Kind = Literal["opens_up_with_complaints_up", "clicks_up_with_conversions_down", "delivered_down_at_one_provider"]
Severity = Literal["high", "medium", "low"]


@dataclass(frozen=True)
class Contradiction:
    """Two shares that moved in one week as they should not, against the four weeks before: a row of `measurement.kpi_findings`.

    Attributes:
        as_of: The day as of which the chain was read.
        flow: Flow.
        dimension: By what the cohort is cut.
        cohort: Readers concerned; `all` is everyone.
        week_starts_on: Monday of the week that is judged.
        finding: What kind of contradiction.
        severity: high where the right to send is at stake.
        first_before_share: The first share in the four weeks before.
        first_share: The same in the week.
        second_before_share: The second share before; at one provider: delivered at all others.
        second_share: The same in the week.
        p_value: The larger of the two one-sided p-values: both must have moved (intersection-union test).
        p_adjusted: Benjamini-Hochberg over flows, cohorts and kinds of the day.
        sentence: The finding in words.
    """

    as_of: date
    flow: str
    dimension: str
    cohort: str
    week_starts_on: date
    finding: Kind
    severity: Severity
    first_before_share: float
    first_share: float
    second_before_share: float
    second_share: float
    p_value: float
    p_adjusted: float
    sentence: str


class Tested(NamedTuple):
    """One kind over all its cells."""

    kind: Kind
    severity: Severity
    cells: pd.DataFrame
    first: Share
    second: Share
    p_values: Floats


def find_contradictions(chain: pa.Table, *, as_of: date) -> list[Contradiction]:
    """Judge the newest week whose orders are counted against the four weeks before it.

    Args:
        chain: Rows of `measurement.kpi_chain` of one day.
        as_of: That day.

    Returns:
        What is left after false discoveries are controlled at 5 %, the surest first; none where five weeks are not known.
    """
    frame = chain.to_pandas()
    settled = frame[frame["is_settled"]]
    if settled.empty:
        return []
    week: date = settled["week_starts_on"].max()
    tested = [one for one in (_complaints(frame, week), _conversions(frame, week), _providers(frame, week)) if one]
    if not tested:
        return []
    adjusted = stats.false_discovery_control(np.concatenate([one.p_values for one in tested]))
    found: list[Contradiction] = []
    for one, p_adjusted in zip(
        tested, np.split(adjusted, np.cumsum([len(one.p_values) for one in tested])[:-1]), strict=True
    ):
        found += [
            _name(one, row, p_adjusted[row], as_of, week) for row in range(len(p_adjusted)) if p_adjusted[row] < ALPHA
        ]
    return sorted(found, key=lambda each: (each.p_adjusted, each.flow, each.dimension, each.cohort, each.finding))


def _complaints(frame: pd.DataFrame, week: date) -> Tested | None:
    cells, counts = _weeks(frame, week, ["delivered", "human_opens", "complaints"])
    if not len(cells):
        return None
    opens, complaints = _share(counts, "human_opens", "delivered"), _share(counts, "complaints", "delivered")
    p_values = np.maximum(rise(*opens), rise(*complaints))
    return Tested("opens_up_with_complaints_up", "high", cells, opens, complaints, p_values)


def _conversions(frame: pd.DataFrame, week: date) -> Tested | None:
    cells, counts = _weeks(frame, week, ["delivered", "human_clicks", "conversions"])
    if not len(cells):
        return None
    clicks, orders = _share(counts, "human_clicks", "delivered"), _share(counts, "conversions", "delivered")
    p_values = np.maximum(rise(*clicks), fall(*orders))
    return Tested("clicks_up_with_conversions_down", "medium", cells, clicks, orders, p_values)


def _providers(frame: pd.DataFrame, week: date) -> Tested | None:
    """One provider takes less of a flow than before, and than the others do: the list did not change, the provider did."""
    cells, counts = _weeks(frame[frame["dimension"] == "provider"], week, ["sent", "delivered"])
    if not len(cells):
        return None
    here = _share(counts, "delivered", "sent")
    same = (cells["flow"].to_numpy()[:, None] == cells["flow"].to_numpy()[None, :]) & ~np.eye(len(cells), dtype=bool)
    others = Share(*(same.astype(float) @ part for part in here))
    known = others.whole > 0
    if not known.any():
        return None
    here, others = Share(*(part[known] for part in here)), Share(*(part[known] for part in others))
    p_values = np.maximum(fall(*here), fall_beyond(here, others))
    return Tested("delivered_down_at_one_provider", "high", cells[known].reset_index(drop=True), here, others, p_values)


def _weeks(
    frame: pd.DataFrame, week: date, names: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, npt.NDArray[np.float64]]]:
    """Cells with emails in the week and each of the four before it, and their counts by week, the newest last."""
    weeks = [week - timedelta(days=7 * back) for back in range(WEEKS_BEFORE, -1, -1)]
    wide = frame.pivot_table(index=CELL, columns="week_starts_on", values=list(names), aggfunc="sum")
    wanted = pd.MultiIndex.from_product([list(names), weeks])
    wide = wide.reindex(columns=wanted)
    whole = wide[names[0]].to_numpy(dtype=float)
    wide = wide[(np.nan_to_num(whole) > 0).all(axis=1)]
    return wide.index.to_frame(index=False), {name: wide[name].to_numpy(dtype=float) for name in names}


def _share(counts: dict[str, npt.NDArray[np.float64]], part: str, whole: str) -> Share:
    return Share(counts[part][:, -1], counts[whole][:, -1], counts[part][:, :-1], counts[whole][:, :-1])


WORDS: dict[Kind, str] = {
    "opens_up_with_complaints_up": "opens rose from {0} to {1} of delivered emails, and complaints from {2} to {3}:"
    " more attention, not more welcome",
    "clicks_up_with_conversions_down": "clicks rose from {0} to {1} of delivered emails, and orders fell from {2} to {3}:"
    " what was promised was not found",
    "delivered_down_at_one_provider": "{0} of emails were delivered before and {1} in the week, at all other providers {2} and {3}:"
    " this provider has begun to refuse",
}


def _name(one: Tested, row: int, p_adjusted: float, as_of: date, week: date) -> Contradiction:
    cell = one.cells.iloc[row]
    shares = [float(share[row]) for share in (one.first.before, one.first.now, one.second.before, one.second.now)]
    words = WORDS[one.kind].format(*(f"{100 * share:.2f} %" for share in shares))
    whom = "" if cell["cohort"] == "all" else f" ({cell['cohort']})"
    return Contradiction(
        as_of=as_of,
        flow=cell["flow"],
        dimension=cell["dimension"],
        cohort=cell["cohort"],
        week_starts_on=week,
        finding=one.kind,
        severity=one.severity,
        first_before_share=shares[0],
        first_share=shares[1],
        second_before_share=shares[2],
        second_share=shares[3],
        p_value=float(one.p_values[row]),
        p_adjusted=float(p_adjusted),
        sentence=f"{cell['flow']}{whom}: {words}.",
    )


TYPES = {date: pa.date32(), float: pa.float64()}
SCHEMA = pa.schema([(name, TYPES.get(hint, pa.string())) for name, hint in get_type_hints(Contradiction).items()])


def to_table(rows: Sequence[Contradiction]) -> pa.Table:
    """Rows as a table of `measurement.kpi_findings`; typed also when there is none."""
    return pa.table(
        {name: pa.array([getattr(row, name) for row in rows], SCHEMA.field(name).type) for name in SCHEMA.names}, SCHEMA
    )
