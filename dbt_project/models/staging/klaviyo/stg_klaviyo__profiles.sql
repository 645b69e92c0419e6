{{ config(materialized='ephemeral', enabled=is_enabled('klaviyo')) }}

with persons as (
    select * from {{ ref('base_klaviyo__profiles') }} where {{ is_staged() }} and not is_deleted
),

profiles as (
    select
        landed_on, 'klaviyo:' || person_id as profile_key, email, phone, external_id as user_id, first_name, last_name,
        address, postcode, city, country, company, {{ known_timezone('timezone') }} as timezone, created_at, updated_at
    from persons
)

select * from profiles
