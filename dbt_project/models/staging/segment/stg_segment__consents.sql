{{ config(materialized='ephemeral', enabled=is_enabled('segment')) }}

with sign_ups as (
    select * from {{ ref('base_segment__events') }} where {{ is_staged() }} and event = 'Signed Up' and has_opted_in
),

consents as (
    select
        landed_on, 'segment:' || message_id as evidence_id, email, 'email' as channel, 'subscribed' as statement,
        true as is_affirmative, occurred_at
    from sign_ups
)

select * from consents
