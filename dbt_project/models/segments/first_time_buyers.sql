with features as (
    select * from {{ ref('customer_features') }} where {{ in_window('as_of') }}
),

segment as (
    select
        as_of,
        customer_id,
        days_since_last_order <= 30 as may_enter,
        days_since_last_order <= 45 as may_stay
    from features
    where order_days_total = 1 and days_since_last_order <= 90
)

select * from segment
