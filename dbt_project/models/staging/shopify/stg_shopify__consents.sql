{{ config(materialized='ephemeral', enabled=is_enabled('shopify')) }}

with customers as (
    select * from {{ ref('base_shopify__customers') }}
    where {{ is_staged() }} and consent_state in ('subscribed', 'unsubscribed', 'pending')
),

consents as (
    select
        landed_on,
        'shopify:' || md5(
            concat_ws(':', customer_id, email, consent_state, coalesce(consent_at, updated_at))
        ) as evidence_id,
        email,
        'email' as channel,
        consent_state as statement,
        consent_state = 'subscribed' and consent_at is not null as is_affirmative,
        coalesce(consent_at, updated_at) as occurred_at
    from customers
)

select * from consents
