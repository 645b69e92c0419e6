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

-- Arms of our own experiments that get nothing: of all flows, or of one.
held_out_arms as (
    select as_of, experiment, arm, flow
    from {{ source('ops', 'experiment_shares') }}
    where {{ in_window('as_of') }} and gets = 'nothing'
),

orders as (
    select * from {{ customer_orders(as_of_days()) }} as orders
),

unit_profiles as (
    select
        units.as_of, units.experiment, units.customer_id, units.entered_at, units.entered_on, resolved.profile_key,
        held_out_arms.arm is not null as is_held_out, held_out_arms.flow as held_out_flow
    from units
    inner join {{ resolved_profiles(as_of_days()) }} as resolved
        on units.as_of = resolved.as_of and units.customer_id = resolved.customer_id
    left join held_out_arms
        on units.as_of = held_out_arms.as_of
        and units.experiment = held_out_arms.experiment
        and units.arm = held_out_arms.arm
),

-- What an email did to a mailbox: it arrived, a person clicked in it, the person left.
touches as (
    select
        profile_key, landed_on, occurred_at, occurred_on, 'delivered' as touch, decision_id is not null as is_ours, flow
    from email_events
    where event = 'delivered'
    union all
    select profile_key, landed_on, occurred_at, occurred_on, 'clicked' as touch, false as is_ours, null as flow
    from engagement
    where event = 'clicked' and is_human
    union all
    select
        'mailbox:' || mailbox_hash as profile_key, landed_on, occurred_at, {{ business_day('occurred_at') }} as occurred_on,
        'left' as touch, false as is_ours, null as flow
    from evidence
    where statement in ('unsubscribed', 'complained')
),

touched as (
    select
        unit_profiles.as_of, unit_profiles.experiment, unit_profiles.customer_id, touches.touch, touches.occurred_at,
        unit_profiles.is_held_out and touches.is_ours
        and (unit_profiles.held_out_flow is null or unit_profiles.held_out_flow = touches.flow) as is_leak
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
        bool_or(is_leak) as is_leaked
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
