{%- set nothing = 'cast(null as varchar)' -%}
with sightings as (
    select
        landed_on, 'shopify:' || customer_id as profile_key, email, phone, customer_id as user_id, {{ nothing }} as device
    from {{ ref('stg_shopify__customers') }}
    where {{ in_window('landed_on') }}
    union all
    select
        landed_on,
        coalesce('shopify:' || customer_id, 'mailbox:' || {{ hash_identifier('email') }}) as profile_key,
        email, phone, customer_id as user_id, null as device
    from {{ ref('stg_shopify__orders') }}
    where {{ in_window('landed_on') }}
    union all
    select landed_on, {{ segment_profile_key() }} as profile_key, email, phone, user_id, anonymous_id as device
    from {{ ref('stg_segment__events') }}
    where {{ in_window('landed_on') }}
    union all
    select landed_on, 'plain:' || profile_id as profile_key, email, phone, user_id, null as device
    from {{ ref('stg_plain__profiles') }}
    where {{ in_window('landed_on') }}
    union all
    select landed_on, {{ plain_profile_key() }} as profile_key, email, null as phone, null as user_id, anonymous_id as device
    from {{ ref('stg_plain__web_events') }}
    where {{ in_window('landed_on') }}
    union all
    select
        landed_on,
        coalesce('plain:' || profile_id, 'mailbox:' || {{ hash_identifier('email') }}) as profile_key,
        email, null as phone, null as user_id, null as device
    from (
        select landed_on, profile_id, email from {{ ref('stg_plain__orders') }}
        union all
        select landed_on, profile_id, email from {{ ref('stg_plain__tickets') }}
        union all
        select landed_on, profile_id, email from {{ ref('stg_plain__assignments') }}
        union all
        select landed_on, null as profile_id, email from {{ ref('stg_plain__consents') }}
        union all
        select landed_on, null as profile_id, email from {{ ref('stg_plain__email_events') }}
        union all
        select landed_on, null as profile_id, email from {{ ref('stg_sendgrid__events') }}
    )
    where {{ in_window('landed_on') }}
),

unioned as (
    select distinct profile_key, landed_on, email, phone, user_id, device
    from sightings
    where profile_key is not null
)

select * from unioned
