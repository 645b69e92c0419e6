"""Tastes and habits that were planted are found again."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

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
def tasted(holdfast: Callable[..., Platform], shop: Path) -> Platform:
    platform = holdfast("taste", shop)
    platform.ok("run", "--date", str(LAST))
    return platform


@pytest.fixture(scope="module")
def ask(tasted: Platform, shop: Path) -> Callable[[str], tuple[float, ...]]:
    """One row of numbers about `people` beside what a run found of them."""
    people = PEOPLE.format(truth=shop.parent / "truth")

    def row(sql: str) -> tuple[float, ...]:
        return tuple(float(str(value)) for value in tasted.query(people + sql, day=LAST)[0])

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


def test_similarities_equal_the_cosine_of_the_matrix_of_customers_and_products(tasted: Platform) -> None:
    days = tasted.query(
        """
        select customer_id, product_key, occurred_on
        from intermediate.int_ordered_products__booked as booked
        inner join marts.identity_map as people using (profile_key)
        where people.valid_from <= $day and $day < people.valid_to
            and booked.landed_on <= $day and occurred_on <= $day and product_key is not null
        group by customer_id, product_key, occurred_on having sum(quantity) > 0
        """,
        day=LAST,
    )
    people = {person: row for row, person in enumerate(sorted({str(person) for person, _, _ in days}))}
    products = {product: column for column, product in enumerate(sorted({str(product) for _, product, _ in days}))}
    weights = np.zeros((len(people), len(products)))
    for person, product, on in days:
        assert isinstance(on, date)
        weights[people[str(person)], products[str(product)]] += 0.5 ** ((LAST - on).days / 180)
    common = (weights > 0).astype(int).T @ (weights > 0).astype(int)
    expected = cosine_similarity(weights.T) * common / (common + 10) * (common > 1)
    np.fill_diagonal(expected, 0)
    rows = tasted.query(
        "select product_key, neighbour_product_key, similarity, common_customer_count, similarity_rank"
        " from marts.product_similarities where as_of = $day",
        day=LAST,
    )
    assert len(rows) == sum(min(20, int((row > 0).sum())) for row in expected) > 300
    nearest = -np.sort(-expected, axis=1)
    for product, neighbour, similarity, count, rank in rows:
        one, other = products[str(product)], products[str(neighbour)]
        assert float(str(similarity)) == pytest.approx(expected[one, other], abs=1e-4)
        assert float(str(similarity)) == pytest.approx(nearest[one, int(str(rank)) - 1], abs=1e-4)
        assert count == common[one, other]


def test_a_shop_of_tastes_is_recommended_by_category_and_only_what_is_new_or_due(tasted: Platform) -> None:
    found = dict(tasted.query("select method, ndcg from marts.recommender_evaluations where as_of = $day", day=LAST))
    standing = tasted.query(
        "select method from marts.recommender_evaluations where as_of = $day and is_standing order by ndcg desc",
        day=LAST,
    )
    assert (
        "category_popularity",
    ) in standing  # people of this shop choose a category by taste, then by what is popular
    assert found["category_popularity"] > found["popularity"] > 0  # type: ignore[operator]
    sources = tasted.query(
        "select source, count(*), count(distinct customer_id) from marts.customer_recommendations where as_of = $day group by source",
        day=LAST,
    )
    assert {"category_popularity", "popularity"} <= {source for source, _, _ in sources}
    assert ("item_item" in {source for source, _, _ in sources}) == (("item_item",) in standing)
    wrong = """
        with bought as (
            select distinct customer_id, product_key
            from intermediate.int_ordered_products__booked inner join marts.identity_map using (profile_key)
            where valid_from <= $day and $day < valid_to and occurred_on <= $day
            group by customer_id, product_key, occurred_on having sum(quantity) > 0
        ),
        sold_out as (
            select product_key from intermediate.int_products__versioned where landed_on <= $day
            group by product_key having max_by(coalesce(stock, 1) <= 0 or not is_active, landed_on)
        )
        select count(*), count(*) filter (where is_repeat <> (bought.customer_id is not null)),
            count(*) filter (where product_key in (select product_key from sold_out)), (select count(*) from sold_out)
        from marts.customer_recommendations left join bought using (customer_id, product_key) where as_of = $day
    """
    rows, misplaced, gone, sold_out = tasted.query(wrong, day=LAST)[0]
    assert (misplaced, gone) == (0, 0)
    assert isinstance(rows, int)
    assert isinstance(sold_out, int)
    assert rows > 5_000
    assert sold_out > 0


def test_clusters_of_interest_are_the_planted_tastes_and_bear_their_names(
    ask: Callable[[str], tuple[float, ...]],
) -> None:
    customers, right, commonest, clusters = ask("""
        , judged as (
            select favourite, cluster_name, contains(cluster_name, favourite) as is_right, count(*) over (partition by favourite) as alike
            from ml.customer_interests inner join people using (customer_id) where as_of = $day
        )
        select count(*), avg(cast(is_right as integer)), max(alike) / count(*), count(distinct cluster_name) from judged
    """)
    assert customers > 300
    assert clusters == len(CATEGORIES)
    assert right > 0.5 > 2 * commonest
