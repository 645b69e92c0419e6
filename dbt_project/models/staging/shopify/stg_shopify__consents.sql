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
        case when consent_state = 'subscribed' and consent_opt_in_level = 'confirmed_opt_in' then 'confirmed' else consent_state end
            as statement,
        consent_state = 'subscribed' and consent_at is not null as is_affirmative,
        coalesce(consent_at, updated_at) as occurred_at
    from customers
)

select * from consents
