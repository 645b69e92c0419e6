with mailboxes as (
    select * from {{ ref('int_customer_mailboxes__resolved') }} where {{ in_window('as_of') }}
),

mailbox_consent as (
    select * from {{ ref('int_mailbox_consent__folded') }} where {{ in_window('as_of') }}
),

statements as (
    select mailboxes.customer_id, known.*
    from mailboxes
    inner join {{ known_statements() }} as known
        on mailboxes.as_of = known.as_of and mailboxes.mailbox_hash = known.mailbox_hash
),

person_consent as (
    select * from {{ folded_consent('statements', 'as_of, customer_id') }} as folded
),

ranked as (
    select
        mailboxes.*,
        coalesce(mailbox_consent.consent_status, 'unknown') as consent_status,
        mailbox_consent.consent_evidence_id,
        mailbox_consent.decided_at,
        coalesce(mailbox_consent.is_confirmed, false) as is_confirmed,
        row_number() over (
            partition by mailboxes.as_of, mailboxes.customer_id
            order by
                coalesce(mailbox_consent.is_confirmed, false) desc,
                coalesce(mailbox_consent.consent_status = 'subscribed', false) desc,
                mailbox_consent.decided_at desc nulls last,
                mailboxes.last_seen_on desc,
                mailboxes.mailbox_hash
        ) as mailbox_rank
    from mailboxes
    left join mailbox_consent
        on mailboxes.as_of = mailbox_consent.as_of and mailboxes.mailbox_hash = mailbox_consent.mailbox_hash
),

judged as (
    select
        ranked.*,
        person_consent.consent_status in ('complained', 'bounced', 'unsubscribed') as is_closed,
        person_consent.consent_status as person_status,
        person_consent.consent_evidence_id as person_evidence_id,
        person_consent.decided_at as person_decided_at,
        person_consent.first_affirmed_at,
        person_consent.first_affirmed_evidence_id
    from ranked
    left join person_consent
        on ranked.as_of = person_consent.as_of and ranked.customer_id = person_consent.customer_id
    where ranked.mailbox_rank = 1
),

folded as (
    select
        as_of,
        customer_id,
        mailbox_hash,
        email as primary_email,
        case when is_closed then person_status else consent_status end as consent_status,
        case when is_closed then person_evidence_id else consent_evidence_id end as consent_evidence_id,
        case when is_closed then person_decided_at else decided_at end as decided_at,
        is_confirmed and not is_closed as is_confirmed,
        first_affirmed_at,
        first_affirmed_evidence_id
    from judged
)

select * from folded
