"""A year of visits, emails, orders and tickets of made-up customers, as the tables that behaviour reads; SQL with fixed hashes."""

from datetime import date, timedelta
from pathlib import Path

import duckdb

START, DAY = date(2025, 1, 1), date(2025, 12, 31)
FOLLOWING = DAY + timedelta(days=1)
DAYS = (DAY - START).days + 1

# Four in ten customers are there on the first day, the others come during the year, and a third leaves before its end. How much they do is
# lognormal. A visit is four events of a browser or an account; three in four get an email each fortnight or so; six in ten order.
# One row in twelve lands a day or more after it happened, one order in twenty-five is paid back days later.
PEOPLE = """
create or replace macro dice(a, b) as (hash(a, b) % 1000003 + 0.5) / 1000003;
create or replace macro late(a, b) as cast(greatest(0, floor(dice(a, b) * 60) - 54) as integer);
create or replace macro browser_key(i, browser) as 'segment:anon:' || cast(md5('browser ' || i || ' ' || browser) as uuid);
create schema intermediate;
create schema marts;
create temp table people as
select *, least($days, if(dice(i, 3) < 0.33, born + cast(dice(i, 4) * ($days - born) as integer), $days)) as gone
from (
    select i, exp(1.2 * sqrt(-2 * ln(dice(i, 1))) * cos(2 * pi() * dice(i, 2)) - 0.72) as weight,
        if(dice(i, 5) < 0.4, 0, cast(floor(dice(i, 6) * $days) as integer)) as born,
        'c_' || substr(md5('customer ' || i), 1, 16) as customer_id,
        'shopify:' || 6100000000000 + i as account_key, 'segment:user:' || 6100000000000 + i as user_key,
        'mailbox:' || sha256('mailbox ' || i) as mailbox_key, dice(i, 7) < 0.6 as is_buyer, dice(i, 8) < 0.75 as is_subscriber
    from (select cast(range as bigint) as i from range($customers))
)
"""

WEB = """
create temp table visits as
select *, $start + day as occurred_on, $start + day + late(i * 1000 + n, 12) as landed_on
from (
    select i, n, user_key, born + cast(floor(dice(i * 1000 + n, 9) * (gone - born + 1)) as integer) as day,
        1 + cast(floor(-3.5 * ln(dice(i * 1000 + n, 10))) as integer) as size,
        if(dice(i * 1000 + n, 11) < 0.35, null, n % 2 * cast(weight > 1.5 as integer)) as browser
    from people, range(cast(floor(weight * 14.4 * (gone - born + 1) / $days + dice(i, 13)) as integer)) as counted(n)
) as visited;
create table intermediate.int_web_events__unioned as
select 'segment' as source, profile_key, landed_on, occurred_on,
    ['Page Viewed', 'Product Viewed', 'Product Viewed', 'Product Viewed', 'Product Viewed', 'Product Added', 'Checkout Started']
        [1 + cast(floor(dice(i * 1000 + n, 20 + step) * 7) as integer)] as event
from (
    select *, unnest(range(size)) as step, if(browser is null, user_key, browser_key(i, browser)) as profile_key
    from (from visits order by landed_on)
)
"""

EMAIL = """
create temp table mails as
select *, $start + day as occurred_on, $start + day + late(i * 1000 + n, 31) as landed_on
from (
    select i, n, mailbox_key, born + cast(floor(dice(i * 1000 + n, 30) * (gone - born + 1)) as integer) as day
    from people, range(cast(floor((0.5 + 0.5 * dice(i, 32)) * 24 * ($days - born) / $days) as integer)) as counted(n)
    where is_subscriber
);
create temp table answers as
select 'opened' as event, i, n, mailbox_key, occurred_on, landed_on, dice(i * 1000 + n, 34) < 0.6 as is_human from mails
where dice(i * 1000 + n, 33) < 0.3
union all
select 'clicked', i, n, mailbox_key, occurred_on, landed_on, dice(i * 1000 + n, 36) < 0.8 from mails where dice(i * 1000 + n, 35) < 0.06;
create table intermediate.int_email_events__unioned as
select 'sendgrid' as source, mailbox_key as profile_key, landed_on, occurred_on, event
from (
    select mailbox_key, landed_on, occurred_on, 'delivered' as event from mails
    union all
    select mailbox_key, landed_on, occurred_on, event from answers
    union all
    select mailbox_key, landed_on, occurred_on, 'unsubscribed' from mails where dice(i * 1000 + n, 37) < 0.002
)
order by landed_on;
create table intermediate.int_email_engagement__classified as
select 'sendgrid' as source, mailbox_key as profile_key, landed_on, occurred_on, event, is_human from answers order by landed_on
"""

ORDERS = """
create temp table purchases as
select *, $start + day as occurred_on, $start + day + late(i * 1000 + n, 41) as landed_on
from (
    select i, n, if(dice(i, 42) < 0.15, mailbox_key, account_key) as profile_key,
        born + cast(floor(dice(i * 1000 + n, 40) * (gone - born + 1)) as integer) as day,
        cast(4 + 60 * dice(i * 1000 + n, 43) as decimal(18, 2)) as amount, dice(i * 1000 + n, 44) < 0.04 as is_returned
    from people, range(1 + cast(floor(weight * 9 * (gone - born + 1) / $days) as integer)) as counted(n)
    where is_buyer
);
create table intermediate.int_order_entries__booked as
select i || '-' || n as order_key, 'shopify' as source, landed_on, profile_key, occurred_on, 1 as order_count,
    amount as gross_amount, cast(0 as decimal(18, 2)) as refund_amount, amount as net_amount
from purchases
union all
select i || '-' || n, 'shopify', landed_on + 9, profile_key, occurred_on + 7, 0, cast(0 as decimal(18, 2)), amount, -amount
from purchases where is_returned
order by landed_on
"""

TICKETS = """
create table intermediate.int_tickets__versioned as
select 'zendesk:' || i as ticket_key, 'zendesk' as source, opened_on + 2 * version as landed_on, account_key as profile_key,
    ['new', 'pending', 'solved'][1 + version] as status, if(version = 2, if(dice(i, 52) < 0.2, 'bad', 'good'), null) as satisfaction,
    opened_on + interval 9 hour as created_at, opened_on + 2 * version + interval 9 hour as updated_at
from (
    select i, account_key, $start + born + cast(floor(dice(i, 50) * (gone - born + 1)) as integer) as opened_on
    from people where is_buyer and dice(i, 51) < 0.08
), unnest([0, 1, 2]) as versions(version)
order by landed_on
"""

# Who belongs to whom: since its first row landed, except that one browser in ten was somebody else's for its first month.
IDENTITY = """
create table marts.identity_map as
with seen as (
    select profile_key, min(landed_on) as first_landed_on from intermediate.int_web_events__unioned group by profile_key
    union all
    select profile_key, min(landed_on) from intermediate.int_email_events__unioned group by profile_key
    union all
    select profile_key, min(landed_on) from intermediate.int_order_entries__booked group by profile_key
),
owned as (
    select distinct profile_key, customer_id from (
        select user_key as profile_key, customer_id from people
        union all
        select account_key, customer_id from people
        union all
        select mailbox_key, customer_id from people
        union all
        select browser_key(i, browser), customer_id from people, unnest([0, 1]) as browsers(browser)
    )
),
known as (
    select profile_key, customer_id, min(first_landed_on) as first_landed_on,
        profile_key like 'segment:anon:%' and dice(profile_key, 60) < 0.1 as is_late
    from seen inner join owned using (profile_key)
    group by profile_key, customer_id
)
select profile_key, customer_id, profile_key as root_profile_key, first_landed_on + if(is_late, 30, 0) as valid_from,
    date '9999-12-31' as valid_to
from known
union all
select profile_key, 'c_' || substr(md5(profile_key), 1, 16), profile_key, first_landed_on, first_landed_on + 30 from known where is_late
"""


def make_world(warehouse: Path, customers: int) -> None:
    """Create a warehouse with the rows of 365 days and of the day after; nothing is aggregated yet."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("set enable_progress_bar = false; set memory_limit = '8GB'")
        values = {"customers": customers, "days": DAYS, "start": START}
        for script in (PEOPLE, WEB, EMAIL, ORDERS, TICKETS, IDENTITY):
            for statement in script.split(";\n"):
                connection.execute(
                    statement, {name: value for name, value in values.items() if f"${name}" in statement}
                )
