with dim_customers as (
    select * from {{ ref('dim_customers') }}
),

latest as (
    select * from dim_customers where as_of = (select max(newest.as_of) from dim_customers as newest)
)

select * from latest
