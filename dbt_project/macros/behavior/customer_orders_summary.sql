{#- The orders of each customer in one line, as they were known on each day of a relation that has a column as_of. -#}
{% macro customer_orders_summary(days) -%}
    (
        select
            order_days.as_of,
            order_days.customer_id,
            min(order_days.occurred_on) filter (where order_days.net_amount > 0) as first_order_on,
            max(order_days.occurred_on) filter (where order_days.net_amount > 0) as last_order_on,
            cast(count(*) filter (where order_days.net_amount > 0) as integer) as order_days_total,
            cast(sum(order_days.net_amount) as decimal(18, 2)) as net_amount_total
        from {{ customer_order_days(days) }} as order_days
        group by order_days.as_of, order_days.customer_id
    )
{%- endmacro %}
