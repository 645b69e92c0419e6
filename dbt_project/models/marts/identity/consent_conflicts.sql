with statements as (
    select * from {{ known_statements() }} as statements
),

latest as (
    select
        as_of,
        mailbox_hash,
        max({{ named_statement() }}) filter (where statement in ('complained', 'bounced', 'unsubscribed')) as restriction,
        max({{ named_statement() }}) filter (where statement in ('subscribed', 'confirmed') and is_affirmative) as affirmation,
        max({{ named_statement() }}) filter (where statement in ('subscribed', 'confirmed') and not is_affirmative) as import
    from statements
    group by as_of, mailbox_hash
),

-- A person who leaves, or comes back, by the system that knew the contrary changes their mind: that is no conflict.
conflicts as (
    select
        as_of,
        mailbox_hash,
        case when affirmation.occurred_at > restriction.occurred_at then affirmation else restriction end as won,
        case
            when affirmation.occurred_at > restriction.occurred_at then restriction
            when import.occurred_at > coalesce(affirmation.occurred_at, timestamp '-infinity') then import
            else affirmation
        end as lost
    from latest
    where restriction is not null and coalesce(affirmation, import) is not null
),

listed as (
    select
        as_of,
        mailbox_hash,
        won.statement as won_statement,
        won.source as won_source,
        won.evidence_id as won_evidence_id,
        won.occurred_at as won_at,
        lost.statement as lost_statement,
        lost.source as lost_source,
        lost.evidence_id as lost_evidence_id,
        lost.occurred_at as lost_at,
        case
            when won.statement in ('subscribed', 'confirmed') then 'newer_act_of_the_person'
            when lost.occurred_at < won.occurred_at then 'newer_restriction'
            when lost.is_affirmative then 'restriction_at_the_same_time'
            else 'import_never_resubscribes'
        end as reason
    from conflicts
    where won.source <> lost.source or lost.occurred_at >= won.occurred_at
)

select * from listed
