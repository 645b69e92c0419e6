with orders as (
    select order_key, landed_on, profile_key, ordered_on, net_amount <> 0 as is_kept
    from {{ ref('int_orders__versioned') }}
    where landed_on <= {{ window_end() }}
),

lines as (
    select * from {{ ref('int_order_lines__versioned') }} where landed_on <= {{ window_end() }}
),

changed as (
    select order_key from orders where {{ in_window('landed_on') }}
    union
    select order_key from lines where {{ in_window('landed_on') }}
),

landings as (
    select order_key, landed_on from orders semi join changed using (order_key)
    union
    select order_key, landed_on from lines semi join changed using (order_key)
),

successions as (
    select
        order_key, landed_on, lead(landed_on) over (partition by order_key order by landed_on) as superseded_on
    from landings
),

-- An order as it stood after each of its landings: its newest version, and of each line the newest.
stood as (
    select successions.*, orders.profile_key, orders.ordered_on as occurred_on
    from successions
    asof inner join orders
        on successions.order_key = orders.order_key and successions.landed_on >= orders.landed_on
    where orders.is_kept and orders.profile_key is not null
),

line_versions as (
    select
        *,
        lead(landed_on) over (partition by order_key, line_number order by landed_on) as superseded_on
    from lines
    semi join changed using (order_key)
),

bought as (
    select
        stood.profile_key, stood.landed_on, stood.superseded_on, stood.occurred_on, line_versions.product_key,
        line_versions.category, line_versions.quantity
    from stood
    inner join line_versions
        on stood.order_key = line_versions.order_key
        and line_versions.landed_on <= stood.landed_on
        and (line_versions.superseded_on is null or stood.landed_on < line_versions.superseded_on)
    where line_versions.quantity <> 0
),

-- What stood is booked when it landed and booked back when something newer did.
movements as (
    select profile_key, landed_on, occurred_on, product_key, category, quantity
    from bought
    where {{ in_window('landed_on') }}
    union all
    select profile_key, superseded_on as landed_on, occurred_on, product_key, category, -quantity as quantity
    from bought
    where {{ in_window('superseded_on') }}
),

booked as (
    select
        profile_key, landed_on, occurred_on, product_key, category, cast(sum(quantity) as integer) as quantity
    from movements
    group by profile_key, landed_on, occurred_on, product_key, category
    having sum(quantity) <> 0
)

select * from booked
