with units as (
    select * from {{ ref('int_experiment_units__measured') }} where {{ in_window('as_of') }}
),

counted as (
    select
        as_of,
        experiment,
        arm,
        matured_on,
        buyer_segment,
        lifecycle_segment,
        recency_segment,
        device_segment,
        value_segment,
        provider_segment,
        round(revenue, 2) as revenue,
        round(revenue_capped, 2) as revenue_capped,
        cast(count(*) as bigint) as n_units
    from units
    where revenue <> 0 and matured_on <= as_of
    group by
        as_of, experiment, arm, matured_on, buyer_segment, lifecycle_segment, recency_segment, device_segment,
        value_segment, provider_segment, round(revenue, 2), round(revenue_capped, 2)
)

select * from counted
