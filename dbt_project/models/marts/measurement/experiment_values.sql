with units as (
    select * from {{ ref('int_experiment_units__measured') }} where {{ in_window('as_of') }}
),

counted as (
    select
        as_of,
        experiment,
        arm,
        epoch_from,
        matured_on,
        buyer_segment,
        lifecycle_segment,
        recency_segment,
        device_segment,
        value_segment,
        provider_segment,
        flow_segment,
        case when not is_contaminated then 'not_contaminated' end as purity_segment,
        round(revenue, 2) as revenue,
        round(revenue_capped, 2) as revenue_capped,
        has_left,
        cast(count(*) as bigint) as n_units,
        cast({{ exact_sum('discount_amount') }} as double) as total_discount,
        cast({{ exact_sum('last_click_amount') }} as double) as total_last_click,
        cast({{ exact_sum('assisted_amount') }} as double) as total_assisted
    from units
    where (revenue <> 0 or has_left) and matured_on <= as_of
    group by
        as_of, experiment, arm, epoch_from, matured_on, buyer_segment, lifecycle_segment, recency_segment, device_segment,
        value_segment, provider_segment, flow_segment, is_contaminated, round(revenue, 2), round(revenue_capped, 2), has_left
)

select * from counted
