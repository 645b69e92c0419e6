with features as (
    select * from {{ ref('customer_features') }} where {{ in_window('as_of') }}
),

segment as (
    select
        as_of,
        customer_id,
        days_since_last_order <= 90 as may_enter,
        days_since_last_order <= 120 as may_stay
    from features
    where order_days_total >= 2
)

select * from segment
