{{ config(materialized='ephemeral', enabled=is_enabled('plain')) }}

with landed as (
    select * from {{ ref('base_plain__tickets') }} where {{ is_staged() }}
),

tickets as (
    select
        landed_on, 'plain:' || ticket_id as ticket_key, 'plain:' || profile_id as profile_key, email, status, priority,
        satisfaction, created_at, updated_at
    from landed
)

select * from tickets
