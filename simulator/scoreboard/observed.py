"""What the shop's files say of persons by a day: purchases, visits, opens and renewals, by day of the window."""

from datetime import date

import duckdb
import numpy as np

from simulator.arrays import Floats
from simulator.instants import day_start
from simulator.purchases import RENEWAL_EVERY, season_by_day
from simulator.scoreboard.planted import Planted
from simulator.scoreboard.posterior import Process, Seen

PEOPLE = """
select
    is_existing,
    case when is_existing then 0.0 else greatest(epoch(joined_at - $start) / 86400.0, 0.0) end as customer_from
from forecast_people
inner join truth_people using (person)
order by place
"""

PURCHASES = """
select place, date_diff('day', $start, bought_at) as day, count(*) as times
from truth_purchases
inner join forecast_people using (person)
where happened and not is_renewal and bought_at >= $start and bought_at < $until
group by place, day
"""

# One page call opens a visit; every purchase that is no renewal ends one.
VISITS = """
with keyed as (
    select profile_key, occurred_at
    from intermediate.int_web_events__unioned
    where event = 'Page Viewed' and landed_on <= $day and occurred_at >= $start and occurred_at < $until
),
visited as (
    select forecast_people.place, date_diff('day', $start, keyed.occurred_at) as day, count(*) as visits
    from keyed
    inner join truth_keys on keyed.profile_key = truth_keys.profile_key and not truth_keys.is_shared
    inner join forecast_people on truth_keys.person = forecast_people.person
    group by all
),
bought as (
    select place, date_diff('day', $start, bought_at) as day, count(*) as purchases
    from truth_purchases
    inner join forecast_people using (person)
    where happened and not is_renewal and bought_at >= $start and bought_at < $until
    group by place, day
)
select visited.place, visited.day, greatest(visited.visits - coalesce(bought.purchases, 0), 0) as times
from visited
left join bought using (place, day)
"""

# The day itself is left out: its emails may be opened tomorrow. An email that ended the subscription was opened to do so.
EMAILS = """
with machines as (
    select 'sendgrid:' || staged.row_key as event_key
    from truth_machine_events as truth
    inner join staging.base_sendgrid__events as staged
        on truth.sg_event_id = staged.sg_event_id and staged.row_status = 'staged'
),
emails as (
    select
        message_id,
        mailbox_hash,
        min(occurred_on) filter (where event = 'delivered') as delivered_on,
        bool_or(event = 'opened' and not coalesce(is_machine, false) and machines.event_key is null) as is_opened,
        bool_or(event in ('unsubscribed', 'complained')) as is_ended
    from intermediate.int_email_events__unioned as events
    left join machines using (event_key)
    where landed_on <= $day
    group by message_id, mailbox_hash
)
select forecast_people.place, date_diff('day', cast($start as date), emails.delivered_on) as day, emails.is_opened, count(*) as times
from emails
inner join truth_keys on 'mailbox:' || emails.mailbox_hash = truth_keys.profile_key and not truth_keys.is_shared
inner join forecast_people on truth_keys.person = forecast_people.person
where emails.delivered_on >= cast($start as date) and emails.delivered_on < $day and not emails.is_ended
group by all
"""

RENEWALS = """
select place, max(date_diff('day', $start, bought_at)) as day
from truth_purchases
inner join forecast_people using (person)
where happened and is_renewal and bought_at < $until
group by place
"""


def read_process(planted: Planted, *, days: int, horizon: int) -> Process:
    """The process with the parameters of the shop, over `days` days seen and the horizon."""
    world = planted.parameters
    names = (
        "purchase_shape", "purchase_mean", "dropout_shape", "dropout_scale", "fading_days", "faded_level", "gone_level",
        "open_mean", "visit_base", "visit_slope",
    )  # fmt: skip
    return Process(
        **{name: float(world[name]) for name in names},
        season=season_by_day(days + horizon, day_start(planted.start), swing=world["season_swing"]),
    )


def observe(connection: duckdb.DuckDBPyConnection, planted: Planted, day: date) -> Seen:
    """What was seen of the persons in `forecast_people` (person, place from 0) from the first day to `day`, inclusive."""
    days = (day - planted.start).days + 1
    start, until = planted.start.isoformat(), date.fromordinal(day.toordinal() + 1).isoformat()
    times = {"start": f"{start} 00:00:00", "until": f"{until} 00:00:00"}

    def rows(query: str) -> dict[str, Floats]:
        values = {name: value for name, value in {**times, "day": day}.items() if f"${name}" in query}
        typed = query.replace("$start", "cast($start as timestamp)").replace("$until", "cast($until as timestamp)")
        found = connection.execute(typed, values).fetchnumpy()
        return {name: np.asarray(column, dtype=np.float64) for name, column in found.items()}

    people = rows(PEOPLE)
    size = len(people["customer_from"])
    emails = rows(EMAILS)
    is_opened = emails.pop("is_opened") > 0
    first_known = np.where(people["is_existing"] > 0, -1, np.floor(people["customer_from"]))
    alive_at, gone_by, renews_on = _bound_by_renewals(rows(RENEWALS), size=size, days=days)
    is_known = np.arange(days) > first_known[:, None]
    return Seen(
        is_known=is_known,
        purchases=_by_day(rows(PURCHASES), size, days) * is_known,
        visits=_by_day(rows(VISITS), size, days) * is_known,
        opens=_by_day({name: column[is_opened] for name, column in emails.items()}, size, days),
        unopened=_by_day({name: column[~is_opened] for name, column in emails.items()}, size, days),
        customer_from=people["customer_from"],
        alive_at=alive_at,
        gone_by=gone_by,
        renews_on=renews_on,
    )


def _by_day(rows: dict[str, Floats], size: int, days: int) -> Floats:
    """Counts per person and day, shape (size, days)."""
    cell = rows["place"].astype(np.int64) * days + rows["day"].astype(np.int64)
    counts: Floats = np.bincount(cell, weights=rows["times"], minlength=size * days).astype(np.float64)
    return counts.reshape(size, days)


def _bound_by_renewals(rows: dict[str, Floats], *, size: int, days: int) -> tuple[Floats, Floats, Floats]:
    """Since when alive for sure, by when gone for sure, and when the next renewal is due; by the last renewal of each."""
    place = rows["place"].astype(np.int64)
    due = rows["day"] + RENEWAL_EVERY
    is_missed = due < days
    alive_at, gone_by, renews_on = np.zeros(size), np.full(size, np.inf), np.full(size, np.inf)
    alive_at[place] = rows["day"]
    gone_by[place[is_missed]] = due[is_missed]
    renews_on[place[~is_missed]] = due[~is_missed]
    return alive_at, gone_by, renews_on
