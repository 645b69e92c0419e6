with features as (
    select * from {{ ref('customer_features') }} where {{ in_window('as_of') }}
),

segment as (
    select
        as_of,
        customer_id,
        coalesce(refund_share >= 0.3, false) as may_enter,
        coalesce(refund_share >= 0.2, false) as may_stay
    from features
    where order_days_total >= 2
)

select * from segment
