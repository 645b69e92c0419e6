with sendgrid_events as (
    select * from {{ ref('stg_sendgrid__events') }} where {{ in_window('landed_on') }}
),

plain_events as (
    select * from {{ ref('stg_plain__email_events') }} where {{ in_window('landed_on') }}
),

unioned as (
    select
        'sendgrid:' || row_key as event_key,
        'sendgrid' as source,
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
        landed_on,
        occurred_at,
        {{ hash_identifier('email') }} as mailbox_hash,
        sg_message_id as message_id,
        decision_id,
        flow,
        step,
        arm,
        url,
        useragent as user_agent,
        is_machine_open as is_machine,
        reason
    from sendgrid_events
    union all
    select
        'plain:' || event_id as event_key,
        'plain' as source,
        event,
        landed_on,
        occurred_at,
        {{ hash_identifier('email') }} as mailbox_hash,
        message_id,
        cast(null as varchar) as decision_id,
        flow,
        step,
        arm,
        url,
        user_agent,
        is_machine,
        reason
    from plain_events
),

dated as (
    select
        event_key, source, event, landed_on, occurred_at, {{ business_day('occurred_at') }} as occurred_on,
        mailbox_hash, 'mailbox:' || mailbox_hash as profile_key, message_id, decision_id, flow, step, arm, url,
        user_agent, is_machine, reason
    from unioned
)

select * from dated
