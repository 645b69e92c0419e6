{#- What can be predicted: each customer, event and business day on which it happened, as known on each day of a relation that has a
    column as_of. A task names its event in ml/propensity/tasks. -#}
{% macro outcome_days_as_of(days) -%}
    (
        with resolved as (
            select * from {{ resolved_profiles(days) }}
        ),

        emails as (
            select
                resolved.as_of,
                resolved.customer_id,
                email_days.occurred_on,
                sum(email_days.human_clicks) as human_clicks,
                sum(email_days.human_opens + email_days.human_clicks) as human_reactions,
                sum(email_days.unsubscribes + email_days.complaints) as goodbyes
            from resolved
            inner join {{ ref('int_email_days__aggregated') }} as email_days
                on resolved.profile_key = email_days.profile_key
                and email_days.landed_on <= resolved.as_of
                and email_days.occurred_on <= resolved.as_of
            group by resolved.as_of, resolved.customer_id, email_days.occurred_on
        )

        select as_of, customer_id, occurred_on, 'order' as event
        from {{ customer_order_days(days) }} as order_days
        where net_amount > 0
        union all
        select as_of, customer_id, occurred_on, 'human_click' as event from emails where human_clicks > 0
        union all
        select as_of, customer_id, occurred_on, 'human_reaction' as event from emails where human_reactions > 0
        union all
        select as_of, customer_id, occurred_on, 'unsubscribe_or_complaint' as event from emails where goodbyes > 0
    )
{%- endmacro %}
