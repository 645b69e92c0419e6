"""An uplift report as rows of `ml.uplift_report`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from ml.uplift.qini import Estimate, Uplift
from ml.uplift.report import UpliftReport

SCHEMA = pa.schema(
    [
        ("as_of", pa.date32()),
        ("experiment", pa.string()),
        ("arm", pa.string()),
        ("measure", pa.string()),
        ("learner", pa.string()),
        ("part", pa.string()),
        ("n_treated", pa.int64()),
        ("n_held_out", pa.int64()),
        ("mean_treated", pa.float64()),
        ("mean_held_out", pa.float64()),
        ("estimate", pa.float64()),
        ("ci_low", pa.float64()),
        ("ci_high", pa.float64()),
        ("p_value", pa.float64()),
        ("finding", pa.string()),
    ]
)


@dataclass(frozen=True)
class Row:
    """One number of a report, with its 95 % interval.

    Attributes:
        measure: verdict, tenth, first_30, qini, qini_over_response_model, policy or segment.
        learner: Whose ranking; null where there is none.
        part: The verdict, the tenth (01 is treated first), the policy or the segment.
        estimate: Average effect, uplift, Qini or outcomes per person.
        p_value: Adjusted for the number of comparisons, where there is a finding.
        finding: Of the verdict its reason; of a segment what was found.
    """

    measure: str
    learner: str | None = None
    part: str | None = None
    n_treated: int | None = None
    n_held_out: int | None = None
    mean_treated: float | None = None
    mean_held_out: float | None = None
    estimate: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    p_value: float | None = None
    finding: str | None = None


def to_rows(report: UpliftReport) -> list[Row]:
    """All numbers of a report."""
    verdict = _of_uplift("verdict", report.average, part=report.verdict, finding=report.reason)
    return [verdict, *_of_learners(report), *_of_policies(report), *_of_segments(report)]


def to_table(rows: Iterable[Row], *, as_of: date, experiment: str, arm: str) -> pa.Table:
    """Rows as a table of `ml.uplift_report`; numbers keep six decimals, so that a rebuild on another machine says the same."""
    keys = {"as_of": as_of, "experiment": experiment, "arm": arm}
    return pa.Table.from_pylist([{**keys, **_rounded(asdict(row))} for row in rows], schema=SCHEMA)


def _rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in row.items()}


def _of_learners(report: UpliftReport) -> Iterator[Row]:
    for name, found in report.learners.items():
        for number, tenth in enumerate(found.tenths, start=1):
            yield _of_uplift("tenth", tenth, learner=name, part=f"{number:02}")
        yield _of_uplift("first_30", found.top, learner=name)
        yield _of_estimate("qini", found.qini, learner=name, p_value=found.qini.p_value)
        p_value = found.over_response_model.p_value if found.p_adjusted is None else found.p_adjusted
        yield _of_estimate("qini_over_response_model", found.over_response_model, learner=name, p_value=p_value)


def _of_policies(report: UpliftReport) -> Iterator[Row]:
    for name, value in report.policies.items():
        yield _of_estimate("policy", value, part=name)


def _of_segments(report: UpliftReport) -> Iterator[Row]:
    for segment in report.segments:
        p_value = segment.p_harm if segment.finding == "harmed" else segment.p_below
        yield _of_uplift("segment", segment.inside, part=segment.name, p_value=p_value, finding=segment.finding)


def _of_uplift(
    measure: str,
    found: Uplift,
    *,
    learner: str | None = None,
    part: str | None = None,
    p_value: float | None = None,
    finding: str | None = None,
) -> Row:
    return Row(
        measure=measure,
        learner=learner,
        part=part,
        n_treated=found.n_treated,
        n_held_out=found.n_held_out,
        mean_treated=found.mean_treated,
        mean_held_out=found.mean_held_out,
        estimate=found.uplift,
        ci_low=found.low,
        ci_high=found.high,
        p_value=p_value,
        finding=finding,
    )


def _of_estimate(
    measure: str, found: Estimate, *, learner: str | None = None, part: str | None = None, p_value: float | None = None
) -> Row:
    return Row(
        measure=measure,
        learner=learner,
        part=part,
        estimate=found.value,
        ci_low=found.low,
        ci_high=found.high,
        p_value=p_value,
    )
