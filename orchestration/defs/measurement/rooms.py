"""What the rooms of the report site show, read from the tables of a day."""

from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

from activation.playbook.pilot import STAGES, arm_of
from activation.playbook.playbook import Playbook
from orchestration.resources import Settings, open_state
from reporting.rooms import (
    ApprovalRow,
    BreakerRow,
    ChainFinding,
    ChainWeek,
    Limit,
    Pilot,
    PilotTarget,
    RampRow,
    ReasonCount,
    RiskRow,
    Rooms,
    SegmentCount,
)

Row = TypeVar("Row")
Rows = Callable[[str, type[Row]], tuple[Row, ...]]

CHAIN = """
select * from measurement.kpi_chain
where as_of = $day and dimension in ('everyone', 'provider', 'engagement') order by flow, dimension, cohort, week_starts_on
"""
CONTRADICTIONS = "select * from measurement.kpi_findings where as_of = $day order by p_adjusted, flow, cohort"
REASONS = """
select flow, step, outcome, first_reason as reason, count(*) as candidates from activation.send_decisions
where as_of = $day group by flow, step, outcome, first_reason order by all
"""
SEGMENTS = """
with sizes as (
    select segment, list(member_count order by as_of) as sizes
    from marts.segment_days where as_of between $day - 89 and $day group by segment
)
select
    days.segment, days.member_count as members, days.entered_count as entered, days.left_count as left, days.ended_count as ended,
    days.held_in_count + days.held_out_count as held, days.over_budget_count as over_budget, days.refresh, days.minimum_size,
    days.expires_on, days.action, days.owner, sizes.sizes
from marts.segment_days as days
inner join sizes on days.segment = sizes.segment
where days.as_of = $day
order by days.segment
"""
RISKS = """
select * from measurement.risk_review
where as_of = (select max(as_of) from measurement.risk_review where as_of <= $day) order by all
"""
BREAKERS = "select * from activation.breaker_states where as_of = $day order by provider, engagement, metric"
RAMPS = "select * from activation.ramp_states where as_of = $day order by flow, block nulls first, variant"


def read_rooms(rows: Rows[Any], settings: Settings, day: date) -> Rooms:
    """Read everything that the rooms show as of a day.

    Args:
        rows: Runs a query about the day and makes its rows of a type.
        settings: Where the state store is.
        day: The partition.
    """
    versions = [(since, book) for since, book in open_state(settings).playbook_history() if since <= day]
    since, playbook = versions[-1] if versions else (None, None)
    return Rooms(
        chain=rows(CHAIN, ChainWeek),
        contradictions=rows(CONTRADICTIONS, ChainFinding),
        reasons=rows(REASONS, ReasonCount),
        segments=rows(SEGMENTS, SegmentCount),
        risks=rows(RISKS, RiskRow),
        approvals=approvals_of(playbook, day),
        limits=limits_of(playbook),
        breakers=rows(BREAKERS, BreakerRow),
        ramps=rows(RAMPS, RampRow),
        pilot=pilot_of(playbook),
        playbook_version=playbook.version if playbook else None,
        playbook_since=since if len(versions) > 1 else None,
    )


def approvals_of(playbook: Playbook | None, day: date) -> tuple[ApprovalRow, ...]:
    """How everything that needs an approval stands on the day."""
    standings = [(item, playbook.standing(item, day)) for item in playbook.items()] if playbook else []
    return tuple(
        ApprovalRow(str(item), approval.role, approval.approved_on, approval.expires_on, fault)
        if approval
        else ApprovalRow(str(item), None, None, None, fault)
        for item, (approval, fault) in standings
    )


def limits_of(playbook: Playbook | None) -> tuple[Limit, ...]:
    """What readers and providers may hold against us."""
    if playbook is None:
        return ()
    policies = playbook.policies
    shares = {
        "bounces": policies.hard_bounce_rate,
        "complaints": policies.complaint_rate,
        "unsubscribes": policies.unsubscribe_rate,
    }
    return tuple(Limit(part, budget.warn, budget.hold) for part, budget in shares.items())


def pilot_of(playbook: Playbook | None) -> Pilot | None:
    """What the playbook tries, as the report shows it."""
    if playbook is None or playbook.pilot is None:
        return None
    pilot = playbook.pilot
    control = next(one for one in playbook.experiments if one.experiment == pilot.control)
    return Pilot(
        pilot=pilot.pilot,
        question=pilot.question,
        owner=pilot.owner,
        outcome=pilot.outcome,
        control=pilot.control,
        arm=arm_of(pilot, control) or "",
        flows=pilot.flows,
        starts_on=pilot.starts_on,
        ends_on=pilot.ends_on,
        minimum_lift_relative=pilot.success.minimum_lift_relative,
        targets=tuple(
            PilotTarget(
                stage=target.stage,
                of=STAGES[target.stage],
                limit=(target.at_most if target.at_least is None else target.at_least) or 0.0,
                is_least=target.at_least is not None,
            )
            for target in pilot.chain
        ),
    )
