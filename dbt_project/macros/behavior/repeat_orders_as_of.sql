{#- How often each customer with an order day came back, as known on each day of a relation that has a column as_of: the histories
    that the models of customer value are fitted to (docs/behavior.md). -#}
{% macro repeat_orders_as_of(days) -%}
    (
        with order_days as (
            select * from {{ customer_order_days(days) }} as order_days where net_amount > 0
        ),

        ranked as (
            select *, min(occurred_on) over (partition by as_of, customer_id) as first_order_on from order_days
        )

        select
            as_of,
            customer_id,
            cast(count(*) - 1 as integer) as repeat_order_days,
            cast(max(occurred_on) - first_order_on as integer) as days_from_first_to_last_order,
            cast(as_of - first_order_on as integer) as days_since_first_order,
            round(
                cast(avg(net_amount) filter (where occurred_on > first_order_on) as double), 6
            ) as average_repeat_day_amount
        from ranked
        group by as_of, customer_id, first_order_on
    )
{%- endmacro %}
