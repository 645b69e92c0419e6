with features as (
    select * from {{ ref('customer_features') }} where {{ in_window('as_of') }}
),

segment as (
    select
        as_of,
        customer_id,
        human_clicks_28 >= 2 as may_enter,
        human_clicks_90 >= 2 as may_stay
    from features
    where order_days_90 = 0 and human_clicks_90 > 0
)

select * from segment
