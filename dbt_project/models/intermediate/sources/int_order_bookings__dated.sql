with orders as (
    select * from {{ ref('int_orders__unioned') }} where {{ in_window('landed_on') }} and not is_test
),

refunds as (
    select * from {{ ref('int_order_refunds__dated') }} where {{ in_window('landed_on') }}
),

refund_totals as (
    select order_key, landed_on, sum(refund_amount) as refund_amount
    from refunds
    group by order_key, landed_on
),

sales as (
    select
        order_key,
        landed_on,
        {{ business_day('ordered_at') }} as occurred_on,
        case when gross_amount > 0 then 1 else 0 end as order_count,
        gross_amount,
        0 as refund_amount
    from orders
),

dated_refunds as (
    select order_key, landed_on, refunded_on as occurred_on, 0 as order_count, 0 as gross_amount, refund_amount
    from refunds
),

closings as (
    select
        orders.order_key,
        orders.landed_on,
        {{ business_day('orders.closed_at') }} as occurred_on,
        0 as order_count,
        0 as gross_amount,
        orders.gross_amount - coalesce(refund_totals.refund_amount, 0) as refund_amount
    from orders
    left join refund_totals on orders.order_key = refund_totals.order_key
        and orders.landed_on = refund_totals.landed_on
    where orders.status in ('cancelled', 'refunded')
),

bookings as (
    select * from sales
    union all
    select * from dated_refunds
    union all
    select * from closings
),

dated as (
    select
        orders.order_key,
        orders.source,
        orders.landed_on,
        orders.profile_key,
        bookings.occurred_on,
        orders.reporting_currency as currency,
        cast(sum(bookings.order_count) as integer) as order_count,
        cast(sum(bookings.gross_amount) as decimal(18, 2)) as gross_amount,
        cast(sum(bookings.refund_amount) as decimal(18, 2)) as refund_amount
    from bookings
    inner join orders on bookings.order_key = orders.order_key and bookings.landed_on = orders.landed_on
    group by
        orders.order_key, orders.source, orders.landed_on, orders.profile_key, bookings.occurred_on,
        orders.reporting_currency
)

select * from dated
