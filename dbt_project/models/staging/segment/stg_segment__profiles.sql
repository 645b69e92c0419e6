{{ config(materialized='ephemeral', enabled=is_enabled('segment')) }}

with traits as (
    select *, coalesce('segment:user:' || user_id, 'segment:anon:' || anonymous_id) as profile_key
    from {{ ref('base_segment__events') }}
    where {{ is_staged() }} and (type = 'identify' or email is not null or phone is not null)
),

profiles as (
    select
        profile_key,
        landed_on,
        {%- for trait in [
            'email', 'phone', 'user_id', 'first_name', 'last_name', 'address', 'postcode', 'city', 'country', 'company',
            'timezone'
        ] %}
        last({{ trait }} order by occurred_at, message_id) filter (where {{ trait }} is not null) as {{ trait }},
        {%- endfor %}
        min(user_created_at) as created_at,
        max(occurred_at) as updated_at
    from traits
    where profile_key is not null
    group by profile_key, landed_on
)

select * from profiles
