{{ config(materialized='ephemeral', enabled=is_enabled('plain')) }}

with landed as (
    select * from {{ ref('base_plain__assignments') }} where {{ is_staged() }}
),

assignments as (
    select
        landed_on, experiment, 'plain:' || profile_id as profile_key, email, arm, planned_share, assigned_at, exposed_at,
        ghost_at
    from landed
)

select * from assignments
