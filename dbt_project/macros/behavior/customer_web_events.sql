{#- The web events of each customer on the last business days before the end of each day, as they had landed by it. -#}
{% macro customer_web_events(days, span) -%}
    (
        select resolved.as_of, resolved.customer_id, events.event_key, events.event, events.occurred_at, events.occurred_on, events.cart_id
        from {{ resolved_profiles(days) }} as resolved
        inner join {{ ref('int_web_events__unioned') }} as events
            on resolved.profile_key = events.profile_key
            and events.landed_on <= resolved.as_of
            and events.occurred_on > resolved.as_of - {{ span }}
            and events.occurred_on <= resolved.as_of
    )
{%- endmacro %}
