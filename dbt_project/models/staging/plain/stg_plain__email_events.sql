{{ config(materialized='ephemeral', enabled=is_enabled('plain')) }}

with landed as (
    select * from {{ ref('base_plain__email_events') }} where {{ is_staged() }}
),

email_events as (
    select
        landed_on, 'plain:' || event_id as event_key, event, occurred_at, email, message_id, flow, step, arm, url,
        user_agent, is_machine, reason
    from landed
)

select * from email_events
