{{ config(materialized='view') }}

with landed as (
    select * from {{ ref('base_sendgrid__events') }}
),

staged as (
    select
        landed_on,
        file,
        row_number,
        row_key,
        sg_event_id,
        event,
        email,
        occurred_at,
        sg_message_id,
        decision_id,
        flow,
        step,
        arm,
        category,
        type,
        reason,
        status,
        useragent,
        url,
        is_machine_open
    from landed
    where row_status = 'staged'
)

select * from staged
