with email_events as (
    select * from {{ ref('int_email_events__unioned') }} where landed_on <= {{ window_end() }}
),

rules as (
    select * from {{ ref('engagement_rules') }}
),

reactions as (
    select * from email_events where {{ in_window('landed_on') }} and event in ('opened', 'clicked')
),

-- The other rows of the same emails. An event is judged by those that had landed when it did, and never again.
known as (
    select distinct mailbox_hash, message_id, event, url, occurred_at, landed_on, event_key
    from email_events
    semi join reactions using (mailbox_hash, message_id)
    where event in ('delivered', 'clicked', 'unsubscribed')
        and landed_on >= {{ window_start() }} - (select max(in_days) from rules where signal <> 'habit')
),

timed as (
    select
        reactions.event_key,
        date_diff('second', min(known.occurred_at) filter (where known.event = 'delivered'), any_value(reactions.occurred_at))
            as seconds_after_delivery,
        coalesce(bool_or(known.event = 'unsubscribed'), false) as has_unsubscribed
    from reactions
    left join known
        on reactions.mailbox_hash = known.mailbox_hash
        and reactions.message_id = known.message_id
        and known.landed_on between reactions.landed_on - (select max(in_days) from rules where signal <> 'habit')
        and reactions.landed_on
    group by reactions.event_key
),

-- Every event with every rule that is about its kind and its time.
asked as (
    select
        reactions.*, timed.has_unsubscribed,
        rules.rule, rules.rank, rules.signal, rules.pattern, rules.within_seconds, rules.at_least, rules.in_days
    from reactions
    inner join timed on reactions.event_key = timed.event_key
    inner join rules
        on rules.event in ('any', reactions.event)
        and (
            rules.after_delivery_seconds = 'any'
            or timed.seconds_after_delivery <= try_cast(rules.after_delivery_seconds as integer)
        )
),

agents as (
    select distinct asked.rule, asked.user_agent
    from (select distinct rule, pattern, user_agent from asked where signal = 'user_agent') as asked
    where regexp_matches(asked.user_agent, asked.pattern)
),

bursts as (
    select asked.event_key, asked.rule
    from asked
    inner join known
        on asked.mailbox_hash = known.mailbox_hash
        and asked.message_id = known.message_id
        and known.event = 'clicked'
        and known.landed_on between asked.landed_on - asked.in_days and asked.landed_on
        and abs(date_diff('second', known.occurred_at, asked.occurred_at)) <= asked.within_seconds
    where asked.signal in ('links_at_once', 'clicks_at_once')
    group by asked.event_key, asked.rule, asked.signal, asked.at_least
    having case asked.signal when 'links_at_once' then count(distinct known.url) else count(*) end >= asked.at_least
),

scans as (
    select reactions.mailbox_hash, reactions.message_id, reactions.landed_on, reactions.occurred_at
    from bursts
    inner join reactions on bursts.event_key = reactions.event_key
    {%- if is_incremental() %}
    union all
    select classified.mailbox_hash, classified.message_id, classified.landed_on, classified.occurred_at
    from {{ this }} as classified
    inner join rules on classified.rule = rules.rule and rules.signal in ('links_at_once', 'clicks_at_once')
    where classified.landed_on < {{ window_start() }}
        and classified.landed_on >= {{ window_start() }} - (select max(in_days) from rules)
    {%- endif %}
),

habits as (
    select asked.event_key, asked.rule
    from asked
    inner join scans
        on asked.mailbox_hash = scans.mailbox_hash
        and scans.landed_on between asked.landed_on - asked.in_days and asked.landed_on - 1
    where asked.signal = 'habit'
    group by asked.event_key, asked.rule, asked.at_least
    having count(distinct scans.message_id) >= asked.at_least
),

matched as (
    select asked.event_key, asked.rule, asked.rank
    from asked
    left join agents on asked.rule = agents.rule and asked.user_agent = agents.user_agent
    where case asked.signal
        when 'provider_flag' then asked.is_machine
        when 'user_agent' then agents.rule is not null
        when 'timing' then true
        when 'unsubscribe_link' then not asked.has_unsubscribed and regexp_matches(asked.url, asked.pattern)
    end
    union all
    select bursts.event_key, bursts.rule, rules.rank from bursts inner join rules on bursts.rule = rules.rule
    union all
    select habits.event_key, habits.rule, rules.rank from habits inner join rules on habits.rule = rules.rule
    union all
    select asked.event_key, asked.rule, asked.rank
    from asked
    semi join scans
        on asked.signal = 'near_scan'
        and asked.mailbox_hash = scans.mailbox_hash
        and asked.message_id = scans.message_id
        and scans.landed_on between asked.landed_on - asked.in_days and asked.landed_on
        and abs(date_diff('second', scans.occurred_at, asked.occurred_at)) <= asked.within_seconds
),

decided as (
    select event_key, min_by(rule, rank) as rule from matched group by event_key
),

classified as (
    select
        reactions.event_key, reactions.source, reactions.event, reactions.landed_on, reactions.occurred_at,
        reactions.occurred_on, reactions.mailbox_hash, reactions.profile_key, reactions.message_id,
        reactions.decision_id, reactions.flow, reactions.step, reactions.arm, reactions.url,
        decided.rule is null as is_human,
        decided.rule
    from reactions
    left join decided on reactions.event_key = decided.event_key
)

select * from classified
