"""Tastes and habits that were planted are found again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.catalogue import CATEGORIES
from tests.pipeline.conftest import LAST, Platform

# Customers that are one person, by profile keys that are nobody else's; a taste is stored as cumulative chances.
PEOPLE = f"""
with keys as (
    select profile_key, person from read_parquet('{{truth}}/profiles.parquet')
    where not is_shared and profile_key not like 'mailbox:%'
),
resolved as (
    select customer_id, any_value(person) as person from marts.identity_map inner join keys using (profile_key)
    where valid_from <= $day and $day < valid_to
    group by customer_id having count(distinct person) = 1
),
shares as (
    select person, favourite_hour, prefers_phone,
        list_transform(range(1, len(taste) + 1), lambda i: taste[i] - if(i = 1, 0, taste[i - 1])) as shares
    from read_parquet('{{truth}}/people.parquet')
),
people as (
    select customer_id, favourite_hour, if(prefers_phone, 'mobile', 'desktop') as device,
        {list(CATEGORIES)}[list_position(shares, list_max(shares))] as favourite
    from resolved inner join shares using (person)
)
"""


@pytest.fixture(scope="module")
def ask(holdfast: Callable[..., Platform], shop: Path) -> Callable[[str], tuple[float, ...]]:
    """One row of numbers about `people` beside what a run found of them."""
    platform = holdfast("taste", shop)
    platform.ok("run", "--date", str(LAST))
    people = PEOPLE.format(truth=shop.parent / "truth")

    def row(sql: str) -> tuple[float, ...]:
        return tuple(float(str(value)) for value in platform.query(people + sql, day=LAST)[0])

    return row


def test_favourite_category_is_the_planted_one_far_more_often_than_any_one_category(
    ask: Callable[[str], tuple[float, ...]],
) -> None:
    customers, right, commonest = ask("""
        , foremost as (
            select *, sum(signal_count) over (partition by customer_id) as signals from marts.customer_affinities where as_of = $day
        ),
        judged as (
            select people.favourite, category = people.favourite as is_right, count(*) over (partition by people.favourite) as alike
            from foremost inner join people using (customer_id) where affinity_rank = 1 and signals >= 5
        )
        select count(*), avg(cast(is_right as integer)), max(alike) / count(*) from judged
    """)
    assert customers > 300
    assert right > 0.55 > 2 * commonest


def test_best_hour_lies_near_the_planted_one(ask: Callable[[str], tuple[float, ...]]) -> None:
    customers, near, near_everybodys = ask("""
        , hours as (
            select *, hour(timezone(timezone, timezone('UTC', $day + to_hours(favourite_hour)))) as planted,
                (select mode(best_hour) from marts.customer_send_hours where as_of = $day and reaction_count = 0) as everybodys
            from marts.customer_send_hours inner join people using (customer_id) where as_of = $day and reaction_count > 0
        ),
        judged as (
            select abs(best_hour - planted) as apart, abs(everybodys - planted) as everybodys_apart from hours
        )
        select count(*), avg(cast(least(apart, 24 - apart) <= 2 as integer)),
            avg(cast(least(everybodys_apart, 24 - everybodys_apart) <= 2 as integer))
        from judged
    """)
    assert customers > 100
    assert near > 0.65 > 2 * near_everybodys


def test_main_device_is_the_preferred_one(ask: Callable[[str], tuple[float, ...]]) -> None:
    customers, right, shares = ask("""
        select count(*), avg(cast(devices.device_type = people.device as integer)),
            (select max(abs(1 - total)) from (
                select sum(event_share) as total from marts.customer_devices where as_of = $day group by customer_id
            ))
        from marts.customer_devices as devices inner join people using (customer_id) where as_of = $day and is_main
    """)
    assert customers > 300
    assert right > 0.75
    assert shares < 1e-5
