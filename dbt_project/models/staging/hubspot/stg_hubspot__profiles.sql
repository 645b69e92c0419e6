{{ config(materialized='ephemeral', enabled=is_enabled('hubspot')) }}

with contacts as (
    select * from {{ ref('base_hubspot__contacts') }} where {{ is_staged() }}
),

profiles as (
    select
        landed_on, 'hubspot:' || contact_id as profile_key, email, phone, first_name, last_name, address, postcode, city,
        country, company, {{ known_timezone('timezone_name') }} as timezone, created_at, updated_at
    from contacts
)

select * from profiles
