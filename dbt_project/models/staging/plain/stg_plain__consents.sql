{{ config(materialized='ephemeral', enabled=is_enabled('plain')) }}

with landed as (
    select * from {{ ref('base_plain__consents') }} where {{ is_staged() }}
),

consents as (
    select
        landed_on,
        'plain:consent:' || evidence_id as evidence_id,
        email,
        channel,
        topic,
        statement,
        statement in ('subscribed', 'confirmed') and source is distinct from 'import' as is_affirmative,
        lower(legal_basis) as legal_basis,
        stated_at as occurred_at
    from landed
)

select * from consents
