with units as (
    select * from {{ ref('int_experiment_units__entered') }} where {{ in_window('as_of') }}
),

unit_profiles as (
    select units.as_of, units.experiment, units.customer_id, units.entered_on, resolved.profile_key
    from units
    inner join {{ resolved_profiles(as_of_days()) }} as resolved
        on units.as_of = resolved.as_of and units.customer_id = resolved.customer_id
),

-- Everything below happened before the day of entry, so that no email can have moved it.
order_days as (
    select
        unit_profiles.as_of,
        unit_profiles.experiment,
        unit_profiles.customer_id,
        unit_profiles.entered_on,
        days.occurred_on,
        sum(days.net_amount) as net_amount
    from unit_profiles
    inner join {{ ref('int_order_days__aggregated') }} as days
        on unit_profiles.profile_key = days.profile_key
        and days.landed_on <= unit_profiles.as_of
        and days.occurred_on < unit_profiles.entered_on
    group by
        unit_profiles.as_of, unit_profiles.experiment, unit_profiles.customer_id, unit_profiles.entered_on, days.occurred_on
),

spent as (
    select
        as_of,
        experiment,
        customer_id,
        sum(net_amount) as net_amount,
        coalesce(sum(net_amount) filter (where occurred_on >= entered_on - 90), 0) as prior_spend
    from order_days
    group by as_of, experiment, customer_id
),

thresholds as (
    select
        as_of,
        experiment,
        {{ quantile('net_amount', 0.5) }} as mid_amount,
        {{ quantile('net_amount', 0.8) }} as high_amount
    from spent
    where net_amount > 0
    group by as_of, experiment
),

caps as (
    select as_of, experiment, {{ quantile('net_amount', 0.99) }} as revenue_cap
    from order_days
    where net_amount > 0
    group by as_of, experiment
    having count(*) >= 100
),

bought as (
    select
        *,
        occurred_on - lag(occurred_on) over by_day as days_before,
        lead(occurred_on) over by_day as next_on
    from order_days
    where net_amount > 0
    window by_day as (partition by as_of, experiment, customer_id order by occurred_on)
),

staged as (
    select bought.as_of, bought.experiment, bought.customer_id, max_by(silence.stage, silence.day) as lifecycle_stage
    from (select *, {{ lifecycle_stage_on_order('days_before') }} as order_stage from bought where next_on is null) as bought
    inner join {{ lifecycle_silence_paths() }} as silence (order_stage, day, stage)
        on bought.order_stage = silence.order_stage and bought.occurred_on + silence.day < bought.entered_on
    group by bought.as_of, bought.experiment, bought.customer_id
),

seen_days as (
    select unit_profiles.as_of, unit_profiles.experiment, unit_profiles.customer_id, max(days.occurred_on) as last_seen_on
    from unit_profiles
    inner join {{ ref('int_web_days__aggregated') }} as days
        on unit_profiles.profile_key = days.profile_key
        and days.landed_on <= unit_profiles.as_of
        and days.occurred_on < unit_profiles.entered_on
    group by unit_profiles.as_of, unit_profiles.experiment, unit_profiles.customer_id
),

used as (
    select
        unit_profiles.as_of,
        unit_profiles.experiment,
        unit_profiles.customer_id,
        days.device_type,
        sum(days.event_count) as event_count
    from unit_profiles
    inner join {{ ref('int_device_days__aggregated') }} as days
        on unit_profiles.profile_key = days.profile_key
        and days.landed_on <= unit_profiles.as_of
        and days.occurred_on < unit_profiles.entered_on
        and days.occurred_on >= unit_profiles.entered_on - 180
    group by unit_profiles.as_of, unit_profiles.experiment, unit_profiles.customer_id, days.device_type
),

devices as (
    select as_of, experiment, customer_id, device_type
    from (
        select
            *,
            row_number() over (
                partition by as_of, experiment, customer_id order by event_count desc, device_type
            ) as place
        from used
    ) as ranked
    where place = 1
),

mailboxes as (
    select as_of, experiment, customer_id, email_domain
    from (
        select
            unit_profiles.as_of,
            unit_profiles.experiment,
            unit_profiles.customer_id,
            split_part(profiles.email, '@', 2) as email_domain,
            row_number() over (
                partition by unit_profiles.as_of, unit_profiles.experiment, unit_profiles.customer_id
                order by profiles.landed_on desc, profiles.profile_key, profiles.email
            ) as place
        from unit_profiles
        inner join {{ ref('int_profiles__unioned') }} as profiles
            on unit_profiles.profile_key = profiles.profile_key
            and profiles.landed_on <= unit_profiles.entered_on
            and profiles.landed_on <= unit_profiles.as_of
            and profiles.email is not null
    ) as ranked
    where place = 1
),

described as (
    select
        units.as_of,
        units.experiment,
        units.customer_id,
        cast(coalesce(spent.prior_spend, 0) as double) as prior_spend,
        cast(caps.revenue_cap as double) as revenue_cap,
        'stage_' || staged.lifecycle_stage as lifecycle_segment,
        case
            when seen_days.last_seen_on is null then null
            when units.entered_on - seen_days.last_seen_on <= 7 then 'seen_last_7_days'
            when units.entered_on - seen_days.last_seen_on <= 30 then 'seen_8_to_30_days_ago'
            when units.entered_on - seen_days.last_seen_on <= 90 then 'seen_31_to_90_days_ago'
            else 'seen_over_90_days_ago'
        end as recency_segment,
        'mainly_on_' || lower(devices.device_type) as device_segment,
        case
            when coalesce(spent.net_amount, 0) <= 0 then null
            when spent.net_amount > thresholds.high_amount then 'value_high'
            when spent.net_amount > thresholds.mid_amount then 'value_mid'
            else 'value_low'
        end as value_segment,
        {{ mailbox_provider('mailboxes.email_domain') }} as provider_segment
    from units
    {%- for part in ['spent', 'staged', 'seen_days', 'devices', 'mailboxes'] %}
    left join {{ part }}
        on units.as_of = {{ part }}.as_of
        and units.experiment = {{ part }}.experiment
        and units.customer_id = {{ part }}.customer_id
    {%- endfor %}
    left join thresholds on units.as_of = thresholds.as_of and units.experiment = thresholds.experiment
    left join caps on units.as_of = caps.as_of and units.experiment = caps.experiment
)

select * from described
