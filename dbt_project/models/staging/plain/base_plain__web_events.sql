-- depends_on: {{ source('plain', 'web_events') }}
with landed as (
    select * from {{ landing_rows('plain', 'web_events') }}
),

typed as (
    select
        landed_on,
        file,
        row_number,
        raw,
        is_parsed,
        event_id as row_key,
        event_id,
        event,
        {{ parse_instant('occurred_at') }} as occurred_at,
        occurred_at as occurred_at_text,
        {{ parse_instant('received_at') }} as received_at,
        received_at as received_at_text,
        profile_id,
        anonymous_id,
        {{ normalise_email('email') }} as email,
        url,
        product_id,
        cart_id,
        lower(device_type) as device_type
    from landed
),

judged as (
    select
        * exclude (occurred_at_text, received_at_text),
        {{ verdict([
            missing('event_id'),
            missing('event'),
            missing('occurred_at_text'),
            impossible_time('occurred_at'),
            impossible_time('received_at'),
        ]) }} as verdict
    from typed
),

with_status as (
    {{ with_row_status('judged') }}
)

select * from with_status
