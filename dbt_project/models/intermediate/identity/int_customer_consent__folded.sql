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

-- Only where there is a choice, and of the last 90 days.
engagement as (
    select mailboxes.as_of, mailboxes.mailbox_hash, count(*) as human_count
    from (
        select distinct as_of, mailbox_hash
        from (select *, count(*) over (partition by as_of, customer_id) as mailbox_count from mailboxes) as counted
        where mailbox_count > 1
    ) as mailboxes
    inner join {{ ref('int_email_engagement__classified') }} as events
        on mailboxes.mailbox_hash = events.mailbox_hash
        and events.landed_on between mailboxes.as_of - 89 and mailboxes.as_of
    where events.is_human and events.landed_on between {{ window_start() }} - 89 and {{ window_end() }}
    group by mailboxes.as_of, mailboxes.mailbox_hash
),

compared as (
    select
        mailboxes.*,
        coalesce(mailbox_consent.consent_status, 'unknown') as consent_status,
        mailbox_consent.consent_evidence_id,
        mailbox_consent.decided_at,
        coalesce(mailbox_consent.is_confirmed, false) as is_confirmed,
        case
            when mailbox_consent.is_confirmed then 3
            when mailbox_consent.consent_status = 'subscribed' then 2
            when mailbox_consent.consent_status in ('complained', 'bounced', 'unsubscribed') then 0
            else 1
        end as openness,
        struct_pack(
            decided_at := coalesce(mailbox_consent.decided_at, timestamp '-infinity'), last_seen_on := mailboxes.last_seen_on
        ) as recency,
        coalesce(engagement.human_count, 0) as human_count
    from mailboxes
    left join mailbox_consent
        on mailboxes.as_of = mailbox_consent.as_of and mailboxes.mailbox_hash = mailbox_consent.mailbox_hash
    left join engagement
        on mailboxes.as_of = engagement.as_of and mailboxes.mailbox_hash = engagement.mailbox_hash
),

ranked as (
    select
        *,
        row_number() over preference as mailbox_rank,
        case
            when lead(mailbox_hash) over preference is null then 'only'
            when openness > lead(openness) over preference and openness = 3 then 'confirmed'
            when openness > lead(openness) over preference and openness = 2 then 'opted in'
            when openness > lead(openness) over preference then 'not closed'
            when recency > lead(recency) over preference then 'latest'
            when human_count > lead(human_count) over preference then 'most engaged'
            else 'alike'
        end as mailbox_reason
    from compared
    window preference as (
        partition by as_of, customer_id
        order by openness desc, recency desc, human_count desc, mailbox_hash
    )
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
        mailbox_reason,
        case when is_closed then person_status else consent_status end as consent_status,
        case when is_closed then person_evidence_id else consent_evidence_id end as consent_evidence_id,
        case when is_closed then person_decided_at else decided_at end as decided_at,
        is_confirmed and not is_closed as is_confirmed,
        first_affirmed_at,
        first_affirmed_evidence_id
    from judged
)

select * from folded
