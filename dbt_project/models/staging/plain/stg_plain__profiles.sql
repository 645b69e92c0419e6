{{ config(materialized='view') }}

with landed as (
    select * from {{ ref('base_plain__profiles') }}
),

staged as (
    select
        landed_on,
        file,
        row_number,
        profile_id,
        email,
        phone,
        user_id,
        first_name,
        last_name,
        address,
        postcode,
        city,
        country,
        company,
        timezone,
        created_at,
        updated_at
    from landed
    where row_status = 'staged'
)

select * from staged
