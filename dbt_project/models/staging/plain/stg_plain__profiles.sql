{{ config(materialized='ephemeral', enabled=is_enabled('plain')) }}

with landed as (
    select * from {{ ref('base_plain__profiles') }} where {{ is_staged() }}
),

profiles as (
    select
        landed_on, 'plain:' || profile_id as profile_key, email, phone, user_id, first_name, last_name,
        date_of_birth, address, postcode, city, region, country, company, timezone, created_at, updated_at
    from landed
)

select * from profiles
