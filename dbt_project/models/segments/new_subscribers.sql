with customers as (
    select * from {{ ref('dim_customers') }} where {{ in_window('as_of') }}
),

consent as (
    select * from {{ ref('int_customer_consent__folded') }} where {{ in_window('as_of') }}
),

segment as (
    select
        customers.as_of,
        customers.customer_id,
        {{ business_day('consent.first_affirmed_at') }} > customers.as_of - 30 as may_enter,
        {{ business_day('consent.first_affirmed_at') }} > customers.as_of - 30 as may_stay
    from customers
    inner join consent
        on customers.as_of = consent.as_of and customers.customer_id = consent.customer_id
    where customers.lifecycle_stage = 'subscriber'
        and {{ business_day('consent.first_affirmed_at') }} > customers.as_of - 60
)

select * from segment
