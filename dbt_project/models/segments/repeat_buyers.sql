with features as (
    select * from {{ ref('customer_features') }} where {{ in_window('as_of') }}
),

segment as (
    select as_of, customer_id from features where order_days_total >= 2 and days_since_last_order <= 90
)

select * from segment
