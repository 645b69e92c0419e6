{#- The orders of each customer as of each partition day of the window, paid or not, each in its newest landed version, without
    test orders; `state_since` says since when it is in its state, an expression on its columns. -#}
{% macro customer_transactions(days, state) -%}
    (
        select resolved.customer_id, orders.*
        from {{ states_as_of(
            ref('int_orders__versioned'), 'order_key', days, state, 'coalesce(updated_at, ordered_at)'
        ) }} as orders
        inner join {{ resolved_profiles(days) }} as resolved
            on orders.as_of = resolved.as_of and orders.profile_key = resolved.profile_key
        where not orders.is_test
    )
{%- endmacro %}
