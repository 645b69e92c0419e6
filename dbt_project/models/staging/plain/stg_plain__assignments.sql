{{ config(materialized='view') }}

with landed as (
    select * from {{ ref('base_plain__assignments') }}
),

staged as (
    select
        landed_on,
        file,
        row_number,
        row_key,
        experiment,
        profile_id,
        email,
        arm,
        assigned_at,
        planned_share,
        exposed_at,
        ghost_at
    from landed
    where row_status = 'staged'
)

select * from staged
