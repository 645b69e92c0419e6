"""What an email may show of a person is what the day knew of them."""

from datetime import date

import duckdb
import pytest

from activation.emails.person import facts_of
from activation.playbook.content import Variable

DAY = date(2025, 6, 10)
NAME = Variable(variable="first_name", source="dim_customers.first_name", fallback="there")
TASTE = Variable(variable="taste", source="customer_affinities.category", fallback="good things", min_share=0.4)
PRODUCTS = Variable(variable="products", source="products")


@pytest.fixture
def marts() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("""
        create schema marts;
        create table marts.dim_customers as from (values
            (date '2025-06-10', 'ann', 'Ann', null), (date '2025-06-09', 'ann', 'Anne', null), (date '2025-06-10', 'ben', null, null)
        ) as t(as_of, customer_id, first_name, company);
        create table marts.customer_affinities as from (values
            (date '2025-06-10', 'ann', 'Tea', 0.40, 1), (date '2025-06-10', 'ann', 'Coffee', 0.35, 2),
            (date '2025-06-10', 'ben', 'Tea', 0.39, 1), (date '2025-06-09', 'cy', 'Tea', 0.90, 1)
        ) as t(as_of, customer_id, category, affinity_share, affinity_rank);
        create table marts.customer_recommendations as from (values
            (date '2025-06-10', 'ann', false, 2, 'b'), (date '2025-06-10', 'ann', false, 1, 'a'),
            (date '2025-06-10', 'ann', true, 1, 'd'), (date '2025-06-10', 'ann', false, 3, 'untitled'),
            (date '2025-06-09', 'ben', false, 1, 'a')
        ) as t(as_of, customer_id, is_repeat, recommendation_rank, product_key);
        create table marts.products as from (values
            ('a', 'shopify', date '2025-06-01', 'Apron', 39.00, 'EUR'), ('a', 'shopify', date '2025-06-10', 'Linen apron', 42.50, 'EUR'),
            ('a', 'shopify', date '2025-06-11', 'Tomorrow''s apron', 1.00, 'EUR'), ('b', 'plain', date '2025-06-01', 'Bowl', 12.00, null),
            ('d', 'plain', date '2025-06-01', 'Dish', 9.00, 'EUR'), ('untitled', 'plain', date '2025-06-01', null, 9.00, 'EUR')
        ) as t(product_key, source, landed_on, title, price_amount, currency);
    """)
    return connection


def test_facts_are_those_of_the_day(marts: duckdb.DuckDBPyConnection) -> None:
    found = facts_of(marts, (NAME, TASTE, PRODUCTS), ["ann", "ben", "cy", "nobody"], as_of=DAY)
    assert found == {
        "ann": {
            "first_name": "Ann",
            "taste": "Tea",
            "products": [
                {"product_key": "a", "title": "Linen apron", "price": "42.50 EUR"},
                {"product_key": "b", "title": "Bowl", "price": ""},
            ],
        },
        "ben": {},
        "cy": {},
        "nobody": {},
    }


def test_price_without_a_currency_takes_the_shops(marts: duckdb.DuckDBPyConnection) -> None:
    found = facts_of(marts, (PRODUCTS,), ["ann"], as_of=DAY, currency="GBP")["ann"]["products"]
    assert [product["price"] for product in found] == ["42.50 EUR", "12.00 GBP"]


def test_what_landed_later_is_unknown(marts: duckdb.DuckDBPyConnection) -> None:
    found = facts_of(marts, (NAME, PRODUCTS), ["ann", "ben"], as_of=date(2025, 6, 9))
    assert found == {
        "ann": {"first_name": "Anne"},
        "ben": {"products": [{"product_key": "a", "title": "Apron", "price": "39.00 EUR"}]},
    }


def test_people_who_were_not_asked_for_are_not_read(marts: duckdb.DuckDBPyConnection) -> None:
    assert facts_of(marts, (NAME,), ["ben"], as_of=DAY) == {"ben": {}}
