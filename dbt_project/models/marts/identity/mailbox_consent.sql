with folded as (
    select * from {{ ref('int_mailbox_consent__folded') }} where {{ in_window('as_of') }}
),

public_columns as (
    select as_of, mailbox_hash, consent_status, consent_evidence_id, decided_at from folded
)

select * from public_columns
