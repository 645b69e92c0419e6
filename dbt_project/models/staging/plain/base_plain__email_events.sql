{{ config(enabled=is_enabled('plain')) }}

with landed as (
    select * from {{ landing_rows('plain', 'email_events') }}
),

typed as (
    select
        landed_on, file, row_number, raw, is_parsed,
        event_id as row_key,
        event_id,
        lower(event) as event,
        {{ instant('occurred_at') }},
        {{ address('email') }},
        email as email_text,
        message_id,
        flow,
        step,
        arm,
        url,
        user_agent,
        {{ flag('is_machine') }} as is_machine,
        reason
    from landed
),

named as (
    select typed.* replace (coalesce(event_names.canonical, typed.event) as event)
    from typed
    left join {{ ref('email_event_names') }} as event_names on typed.event = event_names.written
),

with_status as (
    {{ with_row_status('named', [
        missing('event_id'),
        missing('event'),
        unknown_value('event', [
          'processed', 'delivered', 'deferred', 'dropped', 'bounced', 'blocked', 'opened', 'clicked', 'unsubscribed',
          'resubscribed', 'complained'
        ]),
        missing('email_text'),
        missing('occurred_at_text'),
        impossible_time('occurred_at'),
    ]) }}
)

select * from with_status
