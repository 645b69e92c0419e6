"""The sums that the report reads, of so many people in one experiment: what a day of it costs, and the memory beside the warehouse."""

import argparse
import tempfile
from pathlib import Path

import duckdb

from benchmarks.cost import Cost, apart, measured
from benchmarks.statistics_world import report_sql

MODELS = ("experiment_cells", "experiment_values", "experiment_weeks")

# Entries over 91 days, one in eight buys for a lognormal amount, half had spent before, one in two hundred is contaminated.
UNITS = """
create or replace macro dice(a, b) as (hash(a, b) % 1000003 + 0.5) / 1000003;
create or replace macro pick(a, b, names) as names[1 + cast(floor(dice(a, b) * len(names)) as integer)];
create or replace macro amount(a, b) as round(exp(3.4 + sqrt(-2 * ln(dice(a, b))) * cos(2 * pi() * dice(a, b + 100))), 2);
create table units as
with people as (
    select i, date '2025-03-01' + cast(floor(dice(i, 1) * 91) as integer) as entered_on, dice(i, 2) < 0.9 as is_treated,
        dice(i, 3) < 0.125 as buys, dice(i, 4) < 0.5 as had_bought, dice(i, 5) < 0.005 as is_contaminated
    from (select cast(range as bigint) as i from range($people))
)
select
    date '2025-06-30' as as_of, 'programme' as experiment, 'c_' || substr(md5('customer ' || i), 1, 16) as customer_id,
    if(is_treated, 'treatment', 'holdout') as arm, if(is_treated, 0.9, 0.1) as planned_share, cast(null as date) as epoch_from,
    not is_treated as is_ghost, entered_on, entered_on + 13 as matured_on,
    false as has_two_arms, is_contaminated as shares_mailbox, false as is_leaked, false as is_internal, is_contaminated,
    'entered_by_' || pick(
        i, 6, ['welcome', 'first_purchase', 'browse', 'cart', 'education', 'replenishment', 'renewal', 'win_back', 'nurture']
    ) as flow_segment,
    if(had_bought, 'prior_buyers', 'non_buyers') as buyer_segment,
    if(had_bought, 'stage_' || pick(i, 7, ['new_customer', 'active', 'at_risk', 'lapsed', 'won_back']), null) as lifecycle_segment,
    pick(i, 8, ['seen_last_7_days', 'seen_8_to_30_days_ago', 'seen_31_to_90_days_ago', 'seen_over_90_days_ago']) as recency_segment,
    pick(i, 9, ['mainly_on_mobile', 'mainly_on_desktop']) as device_segment,
    if(had_bought, pick(i, 10, ['value_low', 'value_low', 'value_low', 'value_mid', 'value_high']), null) as value_segment,
    'mailbox_at_' || pick(i, 11, ['gmail', 'microsoft', 'apple', 'yahoo', 'elsewhere']) as provider_segment,
    if(had_bought, amount(i, 12), 0) as prior_spend, cast(buys as double) as conversion, if(buys, amount(i, 13), 0) as revenue,
    if(buys, least(amount(i, 13), 400), 0) as revenue_capped, cast(dice(i, 14) < 0.4 as double) as visit,
    if(buys, 1.5, 0) as discount_amount, if(buys and dice(i, 15) < 0.3, amount(i, 13), 0) as last_click_amount,
    if(buys and dice(i, 15) < 0.5, amount(i, 13), 0) as assisted_amount, buys and dice(i, 16) < 0.05 as has_late_order,
    dice(i, 17) < 0.01 as has_left, buys and dice(i, 18) < 0.5 as has_bought_week_1, buys and dice(i, 18) >= 0.5 as has_bought_week_2,
    false as has_bought_week_3, false as has_bought_week_4
from people
"""


def main() -> None:
    """Print what each of the three tables costs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=500_000, help="(default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="where files go meanwhile (default: the system's)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        warehouse = Path(folder) / "warehouse.duckdb"
        apart(make_units, warehouse, given.people)
        print(f"{given.people:,} people, one experiment of 91 days, one thread")
        scan: Cost = apart(scan_units, warehouse)
        scan.say("the warehouse alone: every column read once")
        for model in MODELS:
            cost: Cost = apart(build, warehouse, model)
            cost.say(model)


def make_units(warehouse: Path, people: int) -> None:
    """Write the people, as `int_experiment_units__measured` has them."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("set enable_progress_bar = false")
        for statement in UNITS.split(";\n"):
            connection.execute(statement, {"people": people} if "$people" in statement else None)


def scan_units(warehouse: Path) -> Cost:
    """Read everything once, as whatever reads the table must."""
    return _measure(warehouse, "select count(distinct columns(*)) from (select * exclude (customer_id) from units)")


def build(warehouse: Path, model: str) -> Cost:
    """Write one of the tables by the model's own SQL."""
    return _measure(warehouse, f"create table {model} as {report_sql(model)}")


def _measure(warehouse: Path, statement: str) -> Cost:
    def work() -> None:
        with duckdb.connect(str(warehouse), config={"threads": 1}) as connection:
            connection.execute("set enable_progress_bar = false")
            connection.execute(statement)

    return measured(work)


if __name__ == "__main__":
    main()
