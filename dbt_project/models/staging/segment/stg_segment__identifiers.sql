{{ config(materialized='ephemeral', enabled=is_enabled('segment')) }}

with events as (
    select * from {{ ref('base_segment__events') }} where {{ is_staged() }}
),

identifiers as (
    select distinct
        landed_on, coalesce('segment:user:' || user_id, 'segment:anon:' || anonymous_id) as profile_key, email, phone,
        user_id, anonymous_id as device
    from events
)

select * from identifiers
