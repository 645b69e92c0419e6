with orders as (
    select as_of, customer_id, max(ordered_at) as last_ordered_at
    from {{ customer_orders(as_of_days()) }} as orders
    group by as_of, customer_id
),

stages as (
    select * from {{ ref('customer_lifecycle') }} where {{ in_window('as_of') }}
),

exits as (
    select
        stages.as_of,
        stages.customer_id,
        orders.last_ordered_at,
        stages.lifecycle_stage,
        stages.entered_on as stage_entered_on
    from stages
    left join orders on stages.as_of = orders.as_of and stages.customer_id = orders.customer_id
)

select * from exits
