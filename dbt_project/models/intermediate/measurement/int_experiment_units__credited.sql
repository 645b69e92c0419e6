with units as (
    select * from {{ ref('int_experiment_units__entered') }} where {{ in_window('as_of') }}
),

email_events as (
    select * from {{ ref('int_email_events__unioned') }} where landed_on <= {{ window_end() }}
),

engagement as (
    select * from {{ ref('int_email_engagement__classified') }} where landed_on <= {{ window_end() }}
),

evidence as (
    select * from {{ ref('int_consent_evidence__unioned') }} where landed_on <= {{ window_end() }}
),

rules as (
    select * from {{ source('ops', 'attribution_rules') }} where {{ in_window('as_of') }}
),

orders as (
    select * from {{ customer_orders(as_of_days()) }} as orders
),

unit_profiles as (
    select
        units.as_of, units.experiment, units.customer_id, units.is_ghost, units.entered_at, units.entered_on,
        resolved.profile_key
    from units
    inner join {{ resolved_profiles(as_of_days()) }} as resolved
        on units.as_of = resolved.as_of and units.customer_id = resolved.customer_id
),

-- What an email did to a mailbox: it arrived, a person clicked in it, the person left.
touches as (
    select
        profile_key, landed_on, occurred_at, occurred_on, 'delivered' as touch, decision_id is not null as is_ours
    from email_events
    where event = 'delivered'
    union all
    select profile_key, landed_on, occurred_at, occurred_on, 'clicked' as touch, false as is_ours
    from engagement
    where event = 'clicked' and is_human
    union all
    select
        'mailbox:' || mailbox_hash as profile_key, landed_on, occurred_at, {{ business_day('occurred_at') }} as occurred_on,
        'left' as touch, false as is_ours
    from evidence
    where statement in ('unsubscribed', 'complained')
),

touched as (
    select
        unit_profiles.as_of, unit_profiles.experiment, unit_profiles.customer_id, unit_profiles.is_ghost,
        touches.touch, touches.is_ours, touches.occurred_at
    from unit_profiles
    inner join touches
        on unit_profiles.profile_key = touches.profile_key
        and touches.landed_on <= unit_profiles.as_of
        and touches.occurred_at >= unit_profiles.entered_at
        and touches.occurred_on <= unit_profiles.entered_on + 13
),

reacted as (
    select
        as_of,
        experiment,
        customer_id,
        bool_or(touch = 'left') as has_left,
        bool_or(touch = 'delivered' and is_ours and is_ghost) as is_leaked
    from touched
    group by as_of, experiment, customer_id
),

credited_orders as (
    select
        units.as_of,
        units.experiment,
        units.customer_id,
        orders.order_key,
        max(orders.net_amount) as net_amount,
        bool_or(touched.touch = 'clicked') as has_click
    from units
    inner join orders
        on units.as_of = orders.as_of
        and units.customer_id = orders.customer_id
        and orders.ordered_at >= units.entered_at
        and orders.ordered_on <= units.entered_on + 13
    inner join touched
        on units.as_of = touched.as_of
        and units.experiment = touched.experiment
        and units.customer_id = touched.customer_id
        and touched.touch in ('delivered', 'clicked')
        and touched.occurred_at <= orders.ordered_at
    inner join rules
        on units.as_of = rules.as_of
        and epoch(orders.ordered_at) - epoch(touched.occurred_at) <= 3600 * rules.email_window_hours
    group by units.as_of, units.experiment, units.customer_id, orders.order_key
),

claimed as (
    select
        as_of,
        experiment,
        customer_id,
        sum(net_amount) as assisted_amount,
        coalesce(sum(net_amount) filter (where has_click), 0) as last_click_amount
    from credited_orders
    group by as_of, experiment, customer_id
),

credited as (
    select
        coalesce(reacted.as_of, claimed.as_of) as as_of,
        coalesce(reacted.experiment, claimed.experiment) as experiment,
        coalesce(reacted.customer_id, claimed.customer_id) as customer_id,
        cast(coalesce(claimed.last_click_amount, 0) as double) as last_click_amount,
        cast(coalesce(claimed.assisted_amount, 0) as double) as assisted_amount,
        coalesce(reacted.has_left, false) as has_left,
        coalesce(reacted.is_leaked, false) as is_leaked
    from reacted
    full join claimed
        on reacted.as_of = claimed.as_of
        and reacted.experiment = claimed.experiment
        and reacted.customer_id = claimed.customer_id
)

select * from credited
