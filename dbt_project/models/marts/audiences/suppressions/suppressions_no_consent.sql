with customers as (
    select * from {{ ref('dim_customers') }}
    where {{ in_window('as_of') }} and consent_basis is null
        and consent_status not in ('unsubscribed', 'complained', 'bounced')
),

suppressed as (
    select
        as_of,
        'person' as scope,
        customer_id,
        cast(null as varchar) as mailbox_hash,
        'no_consent' as reason,
        cast(first_seen_on as timestamp) as starts_at,
        cast(null as timestamp) as expires_at,
        consent_evidence_id as evidence
    from customers
)

select * from suppressed
