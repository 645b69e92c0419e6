with orders as (
    select * from {{ ref('int_customer_orders__summarised') }} where {{ in_window('as_of') }}
),

measured as (
    {{ rfm_measured('orders') }}
),

thresholds as (
    {{ rfm_threshold_row('measured') }}
)

select * from thresholds
