{#- The orders of each customer as of each day that were ever in a state (`ever`, a condition on a version), paid or not, each in
    its newest landed version, without test orders; `state_since` says since when `state`, an expression, has its value. -#}
{% macro customer_transactions(days, state, ever) -%}
    (
        select resolved.customer_id, orders.*
        from {{ states_as_of(
            ref('int_orders__versioned'), 'order_key', days, state, 'coalesce(updated_at, ordered_at)', ever
        ) }} as orders
        inner join {{ resolved_profiles(days) }} as resolved
            on orders.as_of = resolved.as_of and orders.profile_key = resolved.profile_key
        where not orders.is_test
    )
{%- endmacro %}
