with statements as (
    select * from {{ known_statements(topics=true) }} as statements
),

folded as (
    select * from {{ folded_consent('statements', 'as_of, mailbox_hash, topic') }} as folded
),

preferences as (
    select as_of, mailbox_hash, topic, consent_status, consent_evidence_id, decided_at from folded
)

select * from preferences
