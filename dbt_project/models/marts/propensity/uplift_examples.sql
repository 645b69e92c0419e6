{%- set outcome_days = 14 %}
{%- set late_days = 3 %}
{%- set remembered_days = 180 %}
{%- set sunday = "date '2024-01-07'" %}
with units as (
    select * from {{ ref('int_experiment_units__measured') }}
    where {{ in_window('as_of') }} and mod(as_of - {{ sunday }}, 7) = 0
),

-- The window of the outcome is over, and what lands late has landed.
matured as (
    select * from units
    where entered_on <= as_of - {{ outcome_days + late_days }} and entered_on > as_of - {{ remembered_days }}
),

arms as (
    select distinct as_of, experiment, arm, is_baseline from {{ ref('experiment_cells') }}
    where {{ in_window('as_of') }} and segment = 'all' and metric = 'conversion'
),

-- Who somebody was on the evening before is who the oldest profile was then; the map of today would tell the future.
remembered as (
    select distinct
        matured.as_of as known_on,
        matured.experiment,
        matured.customer_id as known_as,
        then_map.customer_id,
        matured.entered_on - 1 as as_of
    from matured
    inner join {{ source('identity', 'identity_map') }} as now_map
        on matured.customer_id = now_map.customer_id
        and now_map.profile_key = now_map.root_profile_key
        and now_map.valid_from <= matured.as_of and matured.as_of < now_map.valid_to
    inner join {{ source('identity', 'identity_map') }} as then_map
        on now_map.root_profile_key = then_map.profile_key
        and then_map.valid_from <= matured.entered_on - 1 and matured.entered_on - 1 < then_map.valid_to
),

people as (
    select distinct as_of, customer_id from remembered
),

days as (
    select distinct as_of from remembered
),

features as (
    select * from {{ customer_features_as_of('(select days.as_of from days)', '(select people.* from people)') }} as features
),

devices as (
    select
        as_of,
        customer_id,
        max(case when device_type = 'mobile' then event_share else 0 end) as mobile_share,
        max(case when device_type = 'desktop' then event_share else 0 end) as desktop_share
    from {{ customer_devices_as_of('(select days.as_of from days)', '(select people.* from people)') }} as devices
    group by as_of, customer_id
),

described as (
    select
        matured.as_of,
        matured.experiment,
        matured.arm,
        matured.customer_id,
        not arms.is_baseline as is_treated,
        matured.planned_share,
        matured.entered_on,
        matured.is_contaminated,
        cast(matured.conversion as integer) as conversion,
        case
            when features.days_since_last_order <= 30 then 'ordered_in_30_days'
            when features.days_since_last_order <= 90 then 'ordered_in_90_days'
            when features.days_since_last_order > 90 then 'ordered_longer_ago'
            else 'never_ordered'
        end as recency,
        case
            when features.order_days_total > 1 then 'repeat_buyer'
            when features.order_days_total = 1 then 'one_time_buyer'
            else 'no_buyer'
        end as buyer,
        case
            when devices.mobile_share >= 0.8 then 'mobile'
            when devices.desktop_share >= 0.8 then 'desktop'
            when devices.customer_id is not null then 'mixed'
            else 'unknown'
        end as device_use,
        case when features.human_clicks_90 > 0 then 'clicked_in_90_days' else 'not_clicked_in_90_days' end as engagement,
        features.* exclude (as_of, customer_id, has_ordered),
        devices.mobile_share as mobile_event_share
    from matured
    inner join arms
        on matured.as_of = arms.as_of and matured.experiment = arms.experiment and matured.arm = arms.arm
    left join remembered
        on matured.as_of = remembered.known_on
        and matured.experiment = remembered.experiment
        and matured.customer_id = remembered.known_as
    left join features on remembered.as_of = features.as_of and remembered.customer_id = features.customer_id
    left join devices on remembered.as_of = devices.as_of and remembered.customer_id = devices.customer_id
)

select * from described
