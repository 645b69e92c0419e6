"""What is known of people on a day, as `content/variables.yml` declares it: what an email may show of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from activation.playbook.content import Fact, Variable

MOST_PRODUCTS = 3


@dataclass(frozen=True)
class PersonTables:
    """Relations that facts are read from, each as it stands in a `from` clause; never a user's text.

    Attributes:
        customers: as_of, customer_id, first_name, company.
        affinities: as_of, customer_id, category, affinity_share, affinity_rank.
        recommendations: as_of, customer_id, is_repeat, recommendation_rank, product_key.
        products: product_key, source, landed_on, title, price_amount, currency.
    """

    customers: str = "marts.dim_customers"
    affinities: str = "marts.customer_affinities"
    recommendations: str = "marts.customer_recommendations"
    products: str = "marts.products"


# One row for each customer of whom the fact is known: customer_id, value.
FACTS: Mapping[Fact, str] = {
    "dim_customers.first_name": "select customer_id, first_name as value from {customers} where as_of = $as_of",
    "dim_customers.company": "select customer_id, company as value from {customers} where as_of = $as_of",
    "customer_affinities.category": """
        select customer_id, category as value
        from {affinities} where as_of = $as_of and affinity_rank = 1 and affinity_share >= $min_share
    """,
    "products": """
        select recommended.customer_id,
            list({{'product_key': recommended.product_key, 'title': known.title,
                'price': coalesce(known.price_amount || ' ' || coalesce(known.currency, nullif($currency, '')), '')}}
                order by recommended.recommendation_rank) as value
        from {recommendations} as recommended
        inner join (
            select product_key,
                arg_max(title, (landed_on, source)) as title,
                arg_max(price_amount, (landed_on, source)) as price_amount,
                arg_max(currency, (landed_on, source)) as currency
            from {products} where landed_on <= $as_of and title is not null and price_amount is not null
            group by product_key
        ) as known on recommended.product_key = known.product_key
        where recommended.as_of = $as_of and not recommended.is_repeat
        group by recommended.customer_id
    """,
}


def facts_of(
    connection: duckdb.DuckDBPyConnection,
    variables: Iterable[Variable],
    customers: Sequence[str],
    *,
    as_of: date,
    currency: str = "",
    tables: PersonTables | None = None,
) -> dict[str, dict[str, Any]]:
    """Value by variable of each customer; what is not known, or not clear enough, is left out.

    Args:
        connection: The warehouse.
        variables: As the playbook declares them.
        customers: Whose.
        as_of: The partition.
        currency: Of prices that name none; a price without any currency is not shown.
        tables: Where the marts are.
    """
    found: dict[str, dict[str, Any]] = {customer: {} for customer in customers}
    relations = vars(tables or PersonTables())
    for variable in variables:
        values: dict[str, Any] = {"as_of": as_of, "customers": list(customers)}
        query = FACTS[variable.source].format_map(relations)
        asked = {"min_share": variable.min_share or 0.0, "currency": currency}
        values |= {name: value for name, value in asked.items() if f"${name}" in query}
        rows = connection.execute(
            f"select * from ({query}) where value is not null and customer_id in (select unnest($customers))", values
        )
        for customer, fact in rows.fetchall():
            found[customer][variable.variable] = fact[:MOST_PRODUCTS] if variable.is_list else fact
    return found
