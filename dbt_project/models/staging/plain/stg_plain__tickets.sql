{{ config(materialized='view') }}

with landed as (
    select * from {{ ref('base_plain__tickets') }}
),

staged as (
    select
        landed_on,
        file,
        row_number,
        ticket_id,
        profile_id,
        email,
        status,
        priority,
        satisfaction,
        created_at,
        updated_at
    from landed
    where row_status = 'staged'
)

select * from staged
