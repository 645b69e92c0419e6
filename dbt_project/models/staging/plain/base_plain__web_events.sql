{{ config(enabled=is_enabled('plain')) }}

with landed as (
    select * from {{ landing_rows('plain', 'web_events') }}
),

typed as (
    select
        landed_on, file, row_number, raw, is_parsed,
        event_id as row_key,
        event_id,
        event,
        {{ instant('occurred_at') }},
        {{ instant('received_at') }},
        profile_id,
        anonymous_id,
        {{ address('email') }},
        url,
        product_id,
        cart_id,
        lower(device_type) as device_type
    from landed
),

with_status as (
    {{ with_row_status('typed', [
        missing('event_id'),
        missing('event'),
        missing('occurred_at_text'),
        impossible_time('occurred_at'),
        impossible_time('received_at'),
    ]) }}
)

select * from with_status
