with days as (
    select
        browsed.as_of,
        browsed.customer_id,
        browsed.occurred_on,
        min_by(browsed.event_key, (browsed.occurred_at, browsed.event_key)) filter (where browsed.event = 'Product Viewed')
            as occurrence,
        max(browsed.occurred_at) filter (where browsed.event = 'Product Viewed') as triggered_at,
        count(*) filter (where browsed.event = 'Product Viewed') as product_views
    from {{ customer_web_events(as_of_days(), 3) }} as browsed
    group by browsed.as_of, browsed.customer_id, browsed.occurred_on
    having count(*) filter (where browsed.event in ('Product Added', 'Checkout Started', 'Order Completed')) = 0
),

orders as (
    select * from {{ customer_orders(as_of_days()) }} as orders
),

bought as (
    select distinct days.as_of, days.customer_id, days.occurred_on
    from days
    inner join orders
        on days.as_of = orders.as_of
        and days.customer_id = orders.customer_id
        and days.occurred_on <= orders.ordered_on
),

triggered as (
    select days.as_of, days.customer_id, days.occurrence, days.triggered_at
    from days
    left join bought
        on days.as_of = bought.as_of and days.customer_id = bought.customer_id and days.occurred_on = bought.occurred_on
    where days.product_views >= 2 and bought.customer_id is null
)

select * from triggered
