{{ config(materialized='ephemeral', enabled=is_enabled('hubspot')) }}

with contacts as (
    select * from {{ ref('base_hubspot__contacts') }} where {{ is_staged() }} and email is not null
),

-- Flags of a record, without a time of their own: they hold from the version that shows them, and none is a person's act.
flags as (
    select *, 'unsubscribed' as statement, cast(null as varchar) as topic, updated_at as stated_at
    from contacts
    where has_opted_out
    union all
    select *, 'unsubscribed' as statement, 'hubspot:' || unnest(optout_topics) as topic, updated_at as stated_at
    from contacts
    union all
    select *, 'bounced' as statement, null as topic, updated_at as stated_at
    from contacts
    where hard_bounce_reason is not null
    union all
    select *, 'subscribed' as statement, null as topic, coalesce(created_at, updated_at) as stated_at
    from contacts
    where contains(lower(legal_basis), 'consent') and not has_opted_out
),

consents as (
    select
        landed_on,
        'hubspot:' || md5(concat_ws(':', contact_id, email, statement, topic, stated_at)) as evidence_id,
        email,
        'email' as channel,
        topic,
        statement,
        false as is_affirmative,
        legal_basis,
        stated_at as occurred_at
    from flags
)

select * from consents
