{#- The paid orders of each customer as of each partition day of the window, each in its newest landed version. -#}
{% macro customer_orders(days) -%}
    (
        select
            resolved.as_of,
            resolved.customer_id,
            orders.order_key,
            orders.ordered_at,
            orders.ordered_on,
            orders.net_amount,
            orders.discount_amount
        from {{ versions_as_of(ref('int_orders__versioned'), 'order_key', days) }} as orders
        inner join {{ resolved_profiles(days) }} as resolved
            on orders.as_of = resolved.as_of and orders.profile_key = resolved.profile_key
        where orders.net_amount > 0 and not orders.is_test and orders.ordered_on <= orders.as_of
    )
{%- endmacro %}
