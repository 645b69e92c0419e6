"""What the platform's choice of people is worth, beside a choice by lot and beside mailing everybody."""

from dataclasses import dataclass
from datetime import date

import duckdb

from simulator.scoreboard.planted import Planted
from simulator.scoreboard.sections import Bar, Chart, Line, Section
from simulator.truth import OTHER_FLOWS

ALL_FLOWS = "all flows"
PARAMETERS = (
    "fading_days", "faded_level", "gone_level", "unsubscribe_share", "fatigue_share", "win_back_gone_factor", "tired_response",
    "tired_leaving",
)  # fmt: skip
TIRING_DAYS = 7
"""Every other email of these days tires a person."""

# A candidate is judged at noon of the day on which it would be sent. An inbox is its owner's, else the customer's first person's.
CANDIDATES = """
create or replace temp table policy_candidates as
with judged_days as (
    select $day as as_of
    union
    select as_of from activation.send_ledger where as_of <= $day
),
decisions as (
    select decision_id, as_of, cast(send_date as timestamp) + interval 12 hour as sent_at, flow, customer_id, mailbox_hash, outcome
    from activation.send_decisions
    where as_of in (select as_of from judged_days) and outcome in ('sent', 'held_out', 'capped', 'deferred')
),
owners as (
    select profile_key, min(person) as person from truth_keys where not is_shared group by profile_key
),
customers as (
    select decisions.decision_id, min(owners.person) as person
    from decisions
    inner join marts.identity_map as resolved
        on decisions.customer_id = resolved.customer_id
        and resolved.valid_from <= decisions.as_of and decisions.as_of < resolved.valid_to
    inner join owners on resolved.profile_key = owners.profile_key
    group by decisions.decision_id
)
select decisions.*, coalesce(owners.person, customers.person) as person
from decisions
left join owners on 'mailbox:' || decisions.mailbox_hash = owners.profile_key
left join customers using (decision_id)
"""

RECENT = """
create or replace temp table policy_recent as
with mailed as (
    select person, cast(sent_at as date) as sent_on from truth_sends
    union
    select truth_keys.person, ledger.send_date
    from activation.send_ledger as ledger
    inner join truth_keys on 'mailbox:' || ledger.mailbox_hash = truth_keys.profile_key and not truth_keys.is_shared
    where ledger.kind = 'send'
)
select candidates.decision_id, count(*) as emails
from policy_candidates as candidates
inner join mailed
    on candidates.person = mailed.person
    and mailed.sent_on < cast(candidates.sent_at as date)
    and mailed.sent_on >= cast(candidates.sent_at as date) - $tiring_days
group by candidates.decision_id
"""

VALUES = """
create or replace temp table policy_values as
with placed as (
    select
        candidates.*,
        coalesce(named.effect, others.effect) as effect,
        coalesce(recent.emails, 0) as recent_emails,
        epoch(people.alive_until - candidates.sent_at) / 86400.0 as days_left
    from policy_candidates as candidates
    inner join truth_people as people using (person)
    left join truth_effects as named on candidates.person = named.person and candidates.flow = named.flow
    left join truth_effects as others on candidates.person = others.person and others.flow = $other_flows
    left join policy_recent as recent using (decision_id)
),
engaged as (
    select
        *,
        case
            when days_left > 0 then greatest(least(days_left / $fading_days, 1.0), $faded_level)
            else $gone_level
        end as level
    from placed
)
select
    flow,
    outcome,
    effect is not null as is_planted,
    coalesce(effect, 0) * case when days_left > 0 then 1 else $win_back_gone_factor end * $tired_response ** recent_emails as purchases,
    ($unsubscribe_share + $fatigue_share * (1 - level)) * (1 + $tired_leaving * recent_emails) as unsubscribes
from engaged
"""

BY_FLOW = """
select
    coalesce(flow, $all_flows) as shown_flow,
    count(*) as eligible,
    count(*) filter (where outcome = 'sent') as chosen,
    coalesce(sum(purchases) filter (where outcome = 'sent'), 0) as chosen_purchases,
    sum(purchases) as all_purchases,
    coalesce(sum(unsubscribes) filter (where outcome = 'sent'), 0) as chosen_unsubscribes,
    sum(unsubscribes) as all_unsubscribes,
    bool_and(is_planted) as is_planted
from policy_values
group by grouping sets ((flow), ())
having count(*) > 0
order by grouping(flow) desc, shown_flow
"""


@dataclass(frozen=True)
class FlowValue:
    """Planted expectations of one flow's emails, over those who may be mailed.

    Attributes:
        eligible: Candidates who may be mailed: sent, held out, capped or deferred.
        chosen: Those who were sent to.
        chosen_purchases: Added purchases that the chosen emails are expected to cause.
        all_purchases: The same if everyone eligible were mailed.
        chosen_unsubscribes: Unsubscribes that the chosen emails are expected to cost.
        all_unsubscribes: The same for everyone eligible.
        is_planted: Whether the truth knows the effect of this flow on all of them; else it counts as 0.
    """

    flow: str
    eligible: int
    chosen: int
    chosen_purchases: float
    all_purchases: float
    chosen_unsubscribes: float
    all_unsubscribes: float
    is_planted: bool

    @property
    def random_purchases(self) -> float:
        """Added purchases of as many emails drawn by lot among the eligible, in expectation."""
        return self.all_purchases * self.chosen / self.eligible

    @property
    def random_unsubscribes(self) -> float:
        """Unsubscribes of as many emails drawn by lot."""
        return self.all_unsubscribes * self.chosen / self.eligible


@dataclass(frozen=True)
class PolicyScore:
    """All flows first, then each."""

    flows: tuple[FlowValue, ...]


def score_policy(connection: duckdb.DuckDBPyConnection, planted: Planted, day: date) -> PolicyScore:
    """Sum the planted effects over the emails that the platform chose on the day and on every released day before."""
    connection.execute(CANDIDATES, {"day": day})
    connection.execute(RECENT, {"tiring_days": TIRING_DAYS})
    connection.execute(VALUES, {"other_flows": OTHER_FLOWS, **{name: planted.parameters[name] for name in PARAMETERS}})
    rows = connection.execute(BY_FLOW, {"all_flows": ALL_FLOWS}).fetchall()
    return PolicyScore(tuple(FlowValue(*row) for row in rows))


def show_policy(score: PolicyScore) -> Section:
    """The section about the value of the choice."""
    lines, bars = [], []
    for value in score.flows:
        share = "" if value.is_planted else "; no effect of this flow is planted for some, which counts as 0"
        unsubscribes = f"{value.chosen_unsubscribes:.2f} unsubscribes, by lot {value.random_unsubscribes:.2f}"
        lines += [
            Line(f"{value.flow}: added purchases of the chosen", value.chosen_purchases, value.random_purchases, "number",
                 note=f"{value.chosen:,} emails; planted: as many by lot; {unsubscribes}{share}"),
            Line(f"{value.flow}: added purchases if all were mailed", value.all_purchases, None, "number",
                 note=f"{value.eligible:,} emails, {value.all_unsubscribes:.2f} unsubscribes"),
        ]  # fmt: skip
        if value.chosen:
            bars.append(
                Bar(
                    value.flow,
                    100 * value.chosen_purchases / value.chosen,
                    100 * value.all_purchases / value.eligible,
                )
            )
    return Section(
        name="policy",
        title="What the choice is worth",
        lead="Expected purchases that the planted effects add for the people whom the platform chose, among those who may be mailed.",
        lines=tuple(lines),
        charts=(Chart("Added purchases per 100 emails", "number", tuple(bars), mark="as many by lot"),) if bars else (),
        remarks=() if score.flows else ("Nobody might be mailed.",),
    )
