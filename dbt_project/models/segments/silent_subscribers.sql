with features as (
    select * from {{ ref('customer_features') }} where {{ in_window('as_of') }}
),

segment as (
    select
        as_of,
        customer_id,
        emails_delivered_90 >= 6 and human_opens_90 = 0 and human_clicks_90 = 0 as may_enter,
        human_opens_28 = 0 as may_stay
    from features
    where emails_delivered_90 > 0 and human_clicks_28 = 0 and order_days_28 = 0
)

select * from segment
