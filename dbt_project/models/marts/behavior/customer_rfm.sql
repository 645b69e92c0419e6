with orders as (
    select * from {{ ref('int_customer_orders__summarised') }} where {{ in_window('as_of') }}
),

thresholds as (
    select * from {{ ref('rfm_thresholds') }} where {{ in_window('as_of') }}
),

measured as (
    {{ rfm_measured('orders') }}
),

named as (
    {{ rfm_named('measured', 'thresholds') }}
)

select * from named
