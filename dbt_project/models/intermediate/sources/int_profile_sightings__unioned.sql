with sightings as (
    {%- for entity in ['profiles', 'identifiers', 'orders', 'tickets', 'assignments', 'email_events'] %}
    select * from {{ unioned(entity) }}
    {%- if not loop.last %}
    union all by name
    {%- endif %}
    {%- endfor %}
),

unioned as (
    select distinct
        {{ profile_or_mailbox() }} as profile_key, landed_on, email, phone, user_id, device, alias
    from sightings
    where profile_key is not null or email is not null
)

select * from unioned
