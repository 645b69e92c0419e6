{{ config(materialized='ephemeral', enabled=is_enabled('sendgrid')) }}

with events as (
    select * from {{ ref('base_sendgrid__events') }} where {{ is_staged() }}
),

email_events as (
    select
        landed_on,
        'sendgrid:' || row_key as event_key,
        case
            when event = 'bounce' and type = 'blocked' then 'blocked'
            when event = 'bounce' then 'bounced'
            when event = 'open' then 'opened'
            when event = 'click' then 'clicked'
            when event = 'spamreport' then 'complained'
            when event in ('unsubscribe', 'group_unsubscribe') then 'unsubscribed'
            when event = 'group_resubscribe' then 'resubscribed'
            else event
        end as event,
        occurred_at,
        email,
        sg_message_id as message_id,
        decision_id,
        flow,
        step,
        arm,
        url,
        useragent as user_agent,
        is_machine_open as is_machine,
        reason
    from events
)

select * from email_events
