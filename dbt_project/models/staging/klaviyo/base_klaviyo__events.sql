{{ config(enabled=is_enabled('klaviyo')) }}

with landed as (
    select * from {{ landing_rows('klaviyo', 'events') }}
),

typed as (
    select
        landed_on, file, row_number, raw, is_parsed,
        id as row_key,
        id as event_id,
        person_id,
        metric,
        {{ instant('occurred_at', zone='UTC') }},
        {{ address('email') }},
        message_id,
        flow,
        url,
        lower(bounce_type) as bounce_type,
        {{ flag('machine_open') }} as is_machine_open,
        product_id
    from landed
),

with_status as (
    {{ with_row_status('typed', [
        missing('event_id'),
        missing('metric'),
        missing('occurred_at_text'),
        impossible_time('occurred_at'),
    ]) }}
)

select * from with_status
