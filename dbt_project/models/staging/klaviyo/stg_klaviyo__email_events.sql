{{ config(materialized='ephemeral', enabled=is_enabled('klaviyo')) }}

with events as (
    select
        *,
        case lower(metric)
            when 'received email' then 'delivered'
            when 'opened email' then 'opened'
            when 'clicked email' then 'clicked'
            when 'bounced email' then case when bounce_type = 'soft' then 'blocked' else 'bounced' end
            when 'dropped email' then 'dropped'
            when 'marked email as spam' then 'complained'
            when 'unsubscribed' then 'unsubscribed'
            when 'unsubscribed from list' then 'unsubscribed'
            when 'unsubscribed from email marketing' then 'unsubscribed'
            when 'subscribed to email marketing' then 'resubscribed'
        end as event
    from {{ ref('base_klaviyo__events') }}
    where {{ is_staged() }}
),

persons as (
    select * from {{ ref('base_klaviyo__profiles') }} where row_status = 'staged' and landed_on <= {{ window_end() }}
),

-- An event names its person; the address is the event's own, or the person's as last known when it landed.
email_events as (
    select
        events.landed_on,
        'klaviyo:' || events.event_id as event_key,
        events.event,
        events.occurred_at,
        coalesce(events.email, persons.email) as email,
        events.message_id,
        events.flow,
        events.url,
        events.is_machine_open as is_machine
    from events
    asof left join persons on events.person_id = persons.person_id and events.landed_on >= persons.landed_on
    where events.event is not null
)

select * from email_events
