{{ config(materialized='ephemeral', enabled=is_enabled('klaviyo')) }}

with events as (
    select * from {{ ref('base_klaviyo__events') }} where {{ is_staged() }}
),

identifiers as (
    select distinct landed_on, 'klaviyo:' || person_id as profile_key, email from events
)

select * from identifiers
