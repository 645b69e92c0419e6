with mailboxes as (
    select * from {{ customer_mailboxes() }} as mailboxes
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

mailbox_consent as (
    select * from {{ folded_consent('statements', 'as_of, customer_id, mailbox_hash') }} as folded
),

topics as (
    select * from {{ folded_consent(known_statements(topics=true) ~ ' as statements', 'as_of, mailbox_hash, topic') }} as folded
),

closed_topics as (
    select as_of, mailbox_hash, list(topic order by topic) as closed_topics
    from topics
    where consent_status in ('unsubscribed', 'complained', 'bounced')
    group by as_of, mailbox_hash
),

rechecked as (
    select
        mailboxes.as_of,
        mailboxes.mailbox_hash,
        mailboxes.customer_id,
        case
            when person_consent.consent_status in ('complained', 'bounced', 'unsubscribed')
                then person_consent.consent_status
            else coalesce(mailbox_consent.consent_status, 'unknown')
        end as consent_status,
        coalesce(closed_topics.closed_topics, []) as closed_topics
    from mailboxes
    left join closed_topics
        on mailboxes.as_of = closed_topics.as_of and mailboxes.mailbox_hash = closed_topics.mailbox_hash
    left join person_consent
        on mailboxes.as_of = person_consent.as_of and mailboxes.customer_id = person_consent.customer_id
    left join mailbox_consent
        on mailboxes.as_of = mailbox_consent.as_of
        and mailboxes.customer_id = mailbox_consent.customer_id
        and mailboxes.mailbox_hash = mailbox_consent.mailbox_hash
)

select * from rechecked
