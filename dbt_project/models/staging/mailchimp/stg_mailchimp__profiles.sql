{{ config(materialized='ephemeral', enabled=is_enabled('mailchimp')) }}

with members as (
    select
        *,
        row_number() over (partition by member_id, landed_on order by updated_at desc, row_key) as newest_first
    from {{ ref('base_mailchimp__members') }}
    where {{ is_staged() }}
),

-- An address has one id in every audience.
profiles as (
    select
        landed_on, 'mailchimp:' || member_id as profile_key, email, phone, first_name, last_name, country,
        {{ known_timezone('timezone') }} as timezone, signup_at as created_at, updated_at
    from members
    where newest_first = 1
)

select * from profiles
