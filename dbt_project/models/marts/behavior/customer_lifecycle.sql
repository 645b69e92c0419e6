with staged as (
    select * from {{ ref('int_customer_lifecycle__staged') }} where {{ in_window('as_of') }}
),

dated as (
    select
        as_of,
        customer_id,
        lifecycle_stage,
        entered_on,
        previous_stage,
        cast(as_of - entered_on as integer) as days_in_stage
    from staged
)

select * from dated
