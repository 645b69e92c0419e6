with bookings as (
    select * from {{ ref('int_order_bookings__dated') }} where landed_on <= {{ window_end() }}
),

versions as (
    select order_key, landed_on from {{ ref('int_orders__versioned') }} where landed_on <= {{ window_end() }}
),

landed as (
    select distinct order_key from versions where {{ in_window('landed_on') }}
),

successions as (
    select
        versions.order_key,
        versions.landed_on,
        lag(versions.landed_on) over (
            partition by versions.order_key order by versions.landed_on
        ) as previous_landed_on
    from versions
    inner join landed on versions.order_key = landed.order_key
),

movements as (
    select
        bookings.order_key, bookings.source, successions.landed_on, bookings.profile_key, bookings.occurred_on,
        bookings.currency, bookings.order_count, bookings.gross_amount, bookings.refund_amount
    from successions
    inner join bookings on successions.order_key = bookings.order_key
        and successions.landed_on = bookings.landed_on
    where {{ in_window('successions.landed_on') }}
    union all
    select
        bookings.order_key, bookings.source, successions.landed_on, bookings.profile_key, bookings.occurred_on,
        bookings.currency, -bookings.order_count, -bookings.gross_amount, -bookings.refund_amount
    from successions
    inner join bookings on successions.order_key = bookings.order_key
        and successions.previous_landed_on = bookings.landed_on
    where {{ in_window('successions.landed_on') }}
),

booked as (
    select
        order_key,
        source,
        landed_on,
        profile_key,
        occurred_on,
        currency,
        cast(sum(order_count) as integer) as order_count,
        cast(sum(gross_amount) as decimal(18, 2)) as gross_amount,
        cast(sum(refund_amount) as decimal(18, 2)) as refund_amount,
        cast(sum(gross_amount - refund_amount) as decimal(18, 2)) as net_amount
    from movements
    group by order_key, source, landed_on, profile_key, occurred_on, currency
    having sum(order_count) <> 0 or sum(gross_amount) <> 0 or sum(refund_amount) <> 0
)

select * from booked
