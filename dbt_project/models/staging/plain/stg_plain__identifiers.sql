{{ config(materialized='ephemeral', enabled=is_enabled('plain')) }}

with web_events as (
    select * from {{ ref('base_plain__web_events') }} where {{ is_staged() }}
),

statements as (
    select * from {{ ref('base_plain__consents') }} where {{ is_staged() }}
),

identifiers as (
    select distinct
        landed_on, coalesce('plain:' || profile_id, 'plain:anon:' || anonymous_id) as profile_key, email,
        anonymous_id as device
    from web_events
    union all
    select distinct landed_on, null as profile_key, email, null as device
    from statements
)

select * from identifiers
