{{ config(enabled=is_enabled('sendgrid')) }}

with landed as (
    select * from {{ landing_rows('sendgrid', 'events') }}
),

typed as (
    select
        landed_on, file, row_number, raw, is_parsed,
        md5(concat_ws(chr(31), sg_event_id, event, coalesce(email, ''), "timestamp")) as row_key,
        sg_event_id,
        lower(event) as event,
        {{ address('email') }},
        email as email_text,
        {{ parse_epoch('"timestamp"') }} as occurred_at,
        "timestamp" as occurred_at_text,
        sg_message_id,
        decision_id,
        flow,
        step,
        arm,
        category,
        lower(type) as type,
        reason,
        status,
        useragent,
        url,
        {{ flag('sg_machine_open') }} as is_machine_open
    from landed
),

with_status as (
    {{ with_row_status('typed', [
        missing('sg_event_id'),
        missing('event'),
        unknown_value('event', [
          'processed', 'deferred', 'delivered', 'open', 'click', 'bounce', 'blocked', 'dropped', 'spamreport', 'unsubscribe',
          'group_unsubscribe', 'group_resubscribe'
        ]),
        missing('email_text'),
        missing('occurred_at_text'),
        impossible_time('occurred_at'),
    ]) }}
)

select * from with_status
