with mailboxes as (
    select as_of, mailbox_hash, min(split_part(primary_email, '@', 2)) as email_domain
    from {{ ref('dim_customers') }}
    where {{ in_window('as_of') }} and primary_email is not null and mailbox_hash is not null
    group by as_of, mailbox_hash
),

ledger as (
    select * from {{ source('state', 'send_ledger') }}
),

reactions as (
    select
        mailboxes.as_of,
        mailboxes.mailbox_hash,
        max(days.occurred_on) filter (where days.human_opens + days.human_clicks > 0) as reacted_on,
        bool_or(days.delivered > 0) as has_been_mailed
    from mailboxes
    inner join {{ ref('int_email_days__aggregated') }} as days
        on days.profile_key = 'mailbox:' || mailboxes.mailbox_hash
        and days.landed_on <= mailboxes.as_of
        and days.occurred_on between mailboxes.as_of - 89 and mailboxes.as_of
    group by mailboxes.as_of, mailboxes.mailbox_hash
),

-- A ghost is an email that a held-out person would have got: it makes no difference between the arms here.
claimed as (
    select distinct mailboxes.as_of, mailboxes.mailbox_hash
    from mailboxes
    inner join ledger
        on mailboxes.mailbox_hash = ledger.mailbox_hash
        and ledger.status <> 'settled'
        and ledger.send_date between mailboxes.as_of - 89 and mailboxes.as_of
),

cohorts as (
    select
        mailboxes.as_of,
        mailboxes.mailbox_hash,
        {{ mailbox_provider('mailboxes.email_domain') }} as provider,
        {{ engagement_cohort(
            'reactions.reacted_on', 'reactions.has_been_mailed or claimed.mailbox_hash is not null', 'mailboxes.as_of + 1'
        ) }} as engagement
    from mailboxes
    left join reactions on mailboxes.as_of = reactions.as_of and mailboxes.mailbox_hash = reactions.mailbox_hash
    left join claimed on mailboxes.as_of = claimed.as_of and mailboxes.mailbox_hash = claimed.mailbox_hash
)

select * from cohorts
