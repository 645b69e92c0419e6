with examples as (
    select distinct trained_on, cutoff, customer_id
    from {{ ref('training_outcomes') }}
    where {{ in_window('trained_on') }}
),

features as (
    select *
    from {{ customer_features_as_of(
        '(select distinct examples.cutoff as as_of from examples)',
        '(select distinct examples.cutoff as as_of, examples.customer_id from examples)'
    ) }} as features
),

measured as (
    select
        as_of,
        customer_id,
        days_since_last_order as recency_days,
        order_days_total as frequency,
        net_amount_total as monetary
    from features
    where has_ordered
),

rfm_thresholds as (
    {{ rfm_threshold_row('measured') }}
),

value_thresholds as (
    select
        as_of,
        {{ quantile('monetary', 0.5) }} as mid_amount,
        {{ quantile('monetary', 0.8) }} as high_amount
    from measured
    where monetary > 0
    group by as_of
),

rfm as (
    {{ rfm_named('measured', 'rfm_thresholds') }}
),

described as (
    select
        examples.trained_on,
        examples.cutoff,
        examples.customer_id,
        coalesce(rfm.rfm_segment, 'no_order') as rfm_segment,
        case
            when features.net_amount_total <= 0 then 'none'
            when features.net_amount_total > value_thresholds.high_amount then 'high'
            when features.net_amount_total > value_thresholds.mid_amount then 'mid'
            else 'low'
        end as value_tier,
        features.* exclude (as_of, customer_id)
    from examples
    inner join features on examples.cutoff = features.as_of and examples.customer_id = features.customer_id
    left join rfm on examples.cutoff = rfm.as_of and examples.customer_id = rfm.customer_id
    left join value_thresholds on examples.cutoff = value_thresholds.as_of
)

select * from described
