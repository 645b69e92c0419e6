{{ config(materialized='ephemeral', enabled=is_enabled('zendesk')) }}

with end_users as (
    select * from {{ ref('base_zendesk__users') }} where {{ is_staged() }} and role = 'end-user'
),

profiles as (
    select
        landed_on,
        'zendesk:' || user_id as profile_key,
        email,
        phone,
        external_id as user_id,
        split_part(trim(name), ' ', 1) as first_name,
        nullif(trim(regexp_replace(trim(name), '^\S+', '')), '') as last_name,
        {{ known_timezone('time_zone') }} as timezone,
        created_at,
        updated_at
    from end_users
)

select * from profiles
