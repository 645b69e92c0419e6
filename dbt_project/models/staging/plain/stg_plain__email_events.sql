{{ config(materialized='view') }}

with landed as (
    select * from {{ ref('base_plain__email_events') }}
),

staged as (
    select
        landed_on,
        file,
        row_number,
        event_id,
        event,
        occurred_at,
        email,
        message_id,
        flow,
        step,
        arm,
        url,
        user_agent,
        is_machine,
        reason
    from landed
    where row_status = 'staged'
)

select * from staged
