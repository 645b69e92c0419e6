{#- What each customer ordered and returned on each business day, as it was known on each day of a relation that has a
    column as_of; `among` as of resolved_profiles. An order day is a row with a positive net amount. -#}
{% macro customer_order_days(days, among=none) -%}
    (
        select
            resolved.as_of,
            resolved.customer_id,
            order_days.occurred_on,
            sum(order_days.order_count) as order_count,
            sum(order_days.gross_amount) as gross_amount,
            sum(order_days.refund_amount) as refund_amount,
            sum(order_days.net_amount) as net_amount
        from {{ resolved_profiles(days, among) }} as resolved
        inner join {{ ref('int_order_days__aggregated') }} as order_days
            on resolved.profile_key = order_days.profile_key
            and order_days.landed_on <= resolved.as_of
            and order_days.occurred_on <= resolved.as_of
        group by resolved.as_of, resolved.customer_id, order_days.occurred_on
    )
{%- endmacro %}
