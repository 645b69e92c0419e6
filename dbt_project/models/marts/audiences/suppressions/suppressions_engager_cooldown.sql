with rule as (
    select * from {{ suppression_rule('engager_cooldown') }} as rule
),

-- One row per email that somebody reacted to, by hand and as often as they like.
engaged as (
    select resolved.as_of, resolved.customer_id, events.message_id, min(events.occurred_at) as engaged_at
    from {{ resolved_profiles(as_of_days()) }} as resolved
    inner join {{ ref('int_email_engagement__classified') }} as events
        on resolved.profile_key = events.profile_key
        and events.landed_on <= resolved.as_of
        and events.occurred_on <= resolved.as_of
    inner join rule on resolved.as_of = rule.as_of
        and events.occurred_on > resolved.as_of - rule.days - rule.within_days
    where events.is_human
    group by resolved.as_of, resolved.customer_id, events.message_id
),

newest as (
    select as_of, customer_id, max(engaged_at) as engaged_at, max_by(message_id, (engaged_at, message_id)) as message_id
    from engaged
    group by as_of, customer_id
),

counted as (
    select newest.as_of, newest.customer_id, newest.message_id, newest.engaged_at, rule.days
    from newest
    inner join rule on newest.as_of = rule.as_of
    inner join engaged
        on newest.as_of = engaged.as_of and newest.customer_id = engaged.customer_id
        and engaged.engaged_at > newest.engaged_at - to_days(rule.within_days)
    where {{ business_day('newest.engaged_at') }} > newest.as_of - rule.days
    group by newest.as_of, newest.customer_id, newest.message_id, newest.engaged_at, rule.days, rule.at_least
    having count(*) >= rule.at_least
),

suppressed as (
    select
        as_of,
        'person' as scope,
        customer_id,
        cast(null as varchar) as mailbox_hash,
        'engager_cooldown' as reason,
        engaged_at as starts_at,
        engaged_at + to_days(days) as expires_at,
        message_id as evidence
    from counted
)

select * from suppressed
