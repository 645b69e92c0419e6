{#- As far as a window of the playbook's breakers may reach. -#}
{%- set days_shown = 56 %}
with ledger as (
    select * from {{ source('state', 'send_ledger') }}
),

email_events as (
    select * from {{ ref('int_email_events__unioned') }}
),

sends as (
    select
        days.as_of,
        substr(
            sha256(concat_ws('|', cast(ledger.as_of as varchar), ledger.customer_id, ledger.flow, ledger.step, ledger.occurrence)), 1, 32
        ) as send_key,
        ledger.mailbox_hash,
        ledger.flow,
        ledger.step,
        ledger.variants,
        ledger.send_date as sent_on
    from {{ as_of_days() }} as days
    inner join ledger
        on ledger.kind = 'send'
        and ledger.status <> 'settled'
        and ledger.send_date between days.as_of - {{ days_shown - 1 }} and days.as_of
),

messages as (
    select
        days.as_of,
        events.mailbox_hash,
        coalesce(events.decision_id, events.message_id) as message_key,
        max(events.decision_id) as decision_id,
        max(events.flow) as flow,
        max(events.step) as step,
        min(events.occurred_on) filter (
            where events.event in ('processed', 'deferred', 'dropped', 'delivered', 'bounced', 'blocked')
        ) as handed_over_on,
        bool_or(events.event = 'bounced') as is_bounced,
        bool_or(events.event = 'complained') as is_complained,
        bool_or(events.event = 'unsubscribed') as is_unsubscribed,
        bool_or(events.event = 'delivered') as is_accepted,
        bool_or(events.event in ('opened', 'clicked', 'complained', 'unsubscribed')) as is_reached
    from {{ as_of_days() }} as days
    inner join email_events as events
        on events.landed_on <= days.as_of
        and events.occurred_on between days.as_of - {{ days_shown - 1 }} and days.as_of
    where events.mailbox_hash in (select mailbox_hash from ledger) and coalesce(events.decision_id, events.message_id) is not null
    group by days.as_of, events.mailbox_hash, coalesce(events.decision_id, events.message_id)
),

-- Our decision tells an email of ours; an ESP that does not give it back is known by mailbox, flow, step and day.
heard as (
    select
        sends.as_of,
        sends.send_key,
        bool_or(messages.is_bounced) as is_bounced,
        bool_or(messages.is_complained) as is_complained,
        bool_or(messages.is_unsubscribed) as is_unsubscribed,
        bool_or(messages.is_accepted) as is_accepted,
        bool_or(messages.is_reached) as is_reached
    from sends
    inner join messages
        on sends.as_of = messages.as_of
        and sends.mailbox_hash = messages.mailbox_hash
        and (
            sends.send_key = messages.decision_id
            or (
                messages.decision_id is null
                and sends.flow = messages.flow
                and sends.step = messages.step
                and sends.sent_on = messages.handed_over_on
            )
        )
    group by sends.as_of, sends.send_key
),

reactions as (
    select * from {{ engagement_of_sends('sends') }} as reactions
),

providers as (
    select mailbox_hash, min(split_part(email, '@', 2)) as email_domain, min(landed_on) as known_from
    from {{ ref('int_profiles__unioned') }}
    where email is not null and mailbox_hash is not null
    group by mailbox_hash
),

followed as (
    select
        sends.as_of,
        sends.flow,
        sends.variants,
        coalesce({{ mailbox_provider('providers.email_domain') }}, 'mailbox_elsewhere') as provider,
        {{ engagement_cohort('reactions.reacted_on', 'reactions.has_been_mailed', 'sends.sent_on') }} as engagement,
        sends.sent_on,
        coalesce(heard.is_reached or (heard.is_accepted and not heard.is_bounced), false) as is_delivered,
        coalesce(heard.is_bounced and not heard.is_reached, false) as is_bounced,
        coalesce(heard.is_complained, false) as is_complained,
        coalesce(heard.is_unsubscribed, false) as is_unsubscribed
    from sends
    left join heard on sends.as_of = heard.as_of and sends.send_key = heard.send_key
    left join reactions on sends.as_of = reactions.as_of and sends.send_key = reactions.send_key
    left join providers on sends.mailbox_hash = providers.mailbox_hash and providers.known_from <= sends.as_of
),

counted as (
    select
        as_of,
        flow,
        variants,
        provider,
        engagement,
        sent_on,
        count(*) as sent_count,
        count(*) filter (where is_delivered) as delivered_count,
        count(*) filter (where is_bounced) as bounce_count,
        count(*) filter (where is_complained) as complaint_count,
        count(*) filter (where is_unsubscribed) as unsubscribe_count
    from followed
    group by as_of, flow, variants, provider, engagement, sent_on
)

select * from counted
