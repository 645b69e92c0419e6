with customers as (
    select * from {{ ref('dim_customers') }} where {{ in_window('as_of') }}
),

segment as (
    select as_of, customer_id from customers where lifecycle_stage = 'lapsed'
)

select * from segment
