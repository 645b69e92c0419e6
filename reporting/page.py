"""What the template is handed: the figures of `SiteData`, grouped, ordered and put into words."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reporting import formats
from reporting.course import Course, course_of
from reporting.data import LiftRow, Metric, OutcomeCount, SiteData
from reporting.definitions import METRICS, OUTCOMES, SRM_ALARM, metric_of, spoken
from reporting.forest import Axis, Mark, axis_of
from reporting.verdict import Headline, Tone, earned_in_total, headline, tone_of

EVERYBODY = "all"


@dataclass(frozen=True)
class ForestRow:
    """One line of the lift chart."""

    label: str
    row: LiftRow
    mark: Mark | None
    tone: Tone
    lift: str
    interval: str
    is_everybody: bool


@dataclass(frozen=True)
class Tick:
    """One label of the axis."""

    place: float
    text: str


@dataclass(frozen=True)
class Panel:
    """The lift chart of one metric: everybody first, then the segments that have an estimate; `pending` have none yet."""

    metric: Metric
    rows: tuple[ForestRow, ...]
    pending: int
    ticks: tuple[Tick, ...]
    zero: float


@dataclass(frozen=True)
class Total:
    """What a whole arm earned: lift times people."""

    label: str
    value: str
    interval: str


@dataclass(frozen=True)
class Experiment:
    """One experiment on the first page."""

    name: str
    title: str
    arm: str
    headline: Headline
    leading: LiftRow
    panels: tuple[Panel, ...]
    totals: tuple[Total, ...]
    course: Course | None
    course_label: str
    notes: tuple[tuple[str, str], ...]
    rows: tuple[LiftRow, ...]


@dataclass(frozen=True)
class Share:
    """One part of a stacked bar."""

    outcome: str
    label: str
    candidates: int
    share: float


@dataclass(frozen=True)
class Waterfall:
    """Where the candidates of one flow and step ended."""

    flow: str
    step: str
    candidates: int
    shares: tuple[Share, ...]


def experiments_of(data: SiteData) -> list[Experiment]:
    """The experiments of the day, the global holdout first, each arm on its own."""
    grouped: dict[tuple[str, str], list[LiftRow]] = defaultdict(list)
    for row in data.lift:
        grouped[row.experiment, row.arm].append(row)
    names = sorted(grouped, key=lambda key: (key[0] != "global_holdout", *key))
    several = {name for name, _ in names if sum(other == name for other, _ in names) > 1}
    built = [_experiment(data, name, grouped[name, arm], with_arm=name in several) for name, arm in names]
    return [experiment for experiment in built if experiment is not None]


def waterfalls_of(outcomes: Iterable[OutcomeCount]) -> list[Waterfall]:
    """One waterfall per flow and step, in the order of the outcomes' definitions."""
    order = {name: at for at, name in enumerate(OUTCOMES)}
    grouped: dict[tuple[str, str], list[OutcomeCount]] = defaultdict(list)
    for outcome in outcomes:
        grouped[outcome.flow, step_label(outcome.step)].append(outcome)
    falls = []
    for (flow, step), counts in sorted(grouped.items()):
        total = sum(count.candidates for count in counts)
        shares = tuple(
            Share(
                count.outcome,
                outcome_label(count.outcome),
                count.candidates,
                count.candidates / total if total else 0.0,
            )
            for count in sorted(counts, key=lambda count: (order.get(count.outcome, len(order)), count.outcome))
        )
        falls.append(Waterfall(flow, step, total, shares))
    return falls


def step_label(step: str | int) -> str:
    """A step by its name, or by its number in the flow."""
    return f"step {step}" if str(step).isdigit() else spoken(str(step)).lower()


def outcome_label(outcome: str) -> str:
    """An outcome as it is called on the page."""
    return OUTCOMES[outcome][0] if outcome in OUTCOMES else spoken(outcome)


def _experiment(data: SiteData, name: str, rows: Sequence[LiftRow], *, with_arm: bool) -> Experiment | None:
    today = sorted((row for row in rows if row.as_of == data.as_of), key=_order)
    if not today:
        return None
    leading = today[0]
    metric = metric_of(leading.metric, dict(data.metrics))
    past = [row for row in rows if (row.segment, row.metric) == (leading.segment, leading.metric)]
    return Experiment(
        name=name,
        title=spoken(name) + (f": {spoken(leading.arm).lower()}" if with_arm else ""),
        arm=leading.arm,
        headline=headline(leading, metric, data.currency),
        leading=leading,
        panels=tuple(_panels(data, today)),
        totals=tuple(_totals(data, today)),
        course=course_of(past),
        course_label=metric.label,
        notes=(*_notes(leading), *_without_the_contaminated(data, leading), *_findings(data, today)),
        rows=tuple(today),
    )


def _order(row: LiftRow) -> tuple[bool, bool, int, str, str]:
    metrics = list(METRICS)
    rank = metrics.index(row.metric) if row.metric in metrics else len(metrics)
    return row.segment != EVERYBODY, not row.is_primary, rank, row.metric, row.segment


def _panels(data: SiteData, rows: Sequence[LiftRow]) -> Iterable[Panel]:
    for name in dict.fromkeys(row.metric for row in rows):
        mine = [row for row in rows if row.metric == name]
        metric = metric_of(name, dict(data.metrics))
        axis = axis_of(mine)
        ticks = tuple(Tick(axis.place(at), formats.tick(at, metric.unit, data.currency)) for at in axis.ticks)
        lines = [_forest_row(data, row, metric, axis) for row in mine]
        shown = tuple(line for line in lines if line.mark or line.is_everybody)
        yield Panel(metric, shown, len(lines) - len(shown), ticks, axis.place(0.0))


def _forest_row(data: SiteData, row: LiftRow, metric: Metric, axis: Axis) -> ForestRow:
    return ForestRow(
        label="Everybody" if row.segment == EVERYBODY else spoken(row.segment),
        row=row,
        mark=axis.mark(row),
        tone=tone_of(row),
        lift=formats.difference(row.lift, metric.unit, data.currency),
        interval=formats.interval(row.ci_low, row.ci_high, metric.unit, data.currency),
        is_everybody=row.segment == EVERYBODY,
    )


def _totals(data: SiteData, rows: Sequence[LiftRow]) -> Iterable[Total]:
    for row in rows:
        total = earned_in_total(row)
        if row.segment != EVERYBODY or total is None:
            continue
        metric = metric_of(row.metric, dict(data.metrics))
        if metric.unit == "amount":
            ends = [formats.difference(value, "amount", data.currency) for value in total]
        else:
            ends = [("+" if value >= 0 else formats.MINUS) + formats.integer(abs(value)) for value in total]
        yield Total(metric.label, ends[0], f"{ends[1]} to {ends[2]}")


def _findings(data: SiteData, rows: Sequence[LiftRow]) -> Iterable[tuple[str, str]]:
    """What else must be known before acting, as (tone, sentence)."""
    for row in rows:
        if row.finding:
            yield "warn", f"{metric_of(row.metric, dict(data.metrics)).label}: {row.finding}."
    leading = rows[0]
    if leading.n_pending:
        yield (
            "flat",
            f"{formats.integer(leading.n_pending)} more people are still within the days in which their orders count.",
        )
    if leading.ends_on is not None and leading.ends_on > data.as_of:
        yield "flat", f"The last look is planned for {formats.day(leading.ends_on)}; until then the bar is higher."


def _notes(row: LiftRow) -> Iterable[tuple[str, str]]:
    """Whether the experiment itself can be trusted, as (tone, sentence)."""
    if row.srm_p_value is None:
        yield "flat", "The split of the arms has not been checked."
    elif row.srm_p_value < SRM_ALARM:
        yield (
            "alarm",
            f"The arms are not split as planned (p {formats.probability(row.srm_p_value)}): no lift here can be trusted.",
        )
    else:
        yield "good", f"The arms are split as planned (p {formats.probability(row.srm_p_value)})."
    if row.epochs_text:
        yield (
            "flat",
            f"The planned shares changed, so people are compared with those of the same period: {row.epochs_text}.",
        )
    if row.data_quality:
        yield "warn", f"{row.data_quality[:1].upper()}{row.data_quality[1:]}."
    yield from _contamination(row)


def _contamination(row: LiftRow) -> Iterable[tuple[str, str]]:
    if row.contamination:
        kinds = f" ({row.contamination_text})" if row.contamination_text else ""
        yield "warn", f"In {formats.percent(row.contamination, 2)} of the people the arms met{kinds}."
    elif row.contamination is not None:
        yield "good", "In nobody did the arms meet."


def _without_the_contaminated(data: SiteData, row: LiftRow) -> Iterable[tuple[str, str]]:
    if row.lift_clean is None:
        return
    unit = metric_of(row.metric, dict(data.metrics)).unit
    lift = formats.difference(row.lift_clean, unit, data.currency)
    between = formats.interval(row.ci_low_clean, row.ci_high_clean, unit, data.currency)
    beside = formats.difference(row.lift, unit, data.currency)
    yield "flat", f"Without them the lift is {lift} ({between}), with them {beside}."
