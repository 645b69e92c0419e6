with carts as (
    select
        filled.as_of,
        filled.customer_id,
        coalesce('cart:' || filled.cart_id, 'day:' || filled.occurred_on) as cart,
        coalesce(
            'cart:' || any_value(filled.cart_id), min_by(filled.event_key, (filled.occurred_at, filled.event_key))
        ) as occurrence,
        max(filled.occurred_at) as triggered_at
    from {{ customer_web_events(as_of_days(), 3) }} as filled
    where filled.event in ('Product Added', 'Checkout Started')
    group by filled.as_of, filled.customer_id, coalesce('cart:' || filled.cart_id, 'day:' || filled.occurred_on)
),

purchases as (
    select as_of, customer_id, ordered_at as bought_at from {{ customer_orders(as_of_days()) }} as orders
    union all
    select as_of, customer_id, occurred_at as bought_at
    from {{ customer_web_events(as_of_days(), 3) }} as browsed
    where browsed.event = 'Order Completed'
),

bought as (
    select distinct carts.as_of, carts.customer_id, carts.cart
    from carts
    inner join purchases
        on carts.as_of = purchases.as_of
        and carts.customer_id = purchases.customer_id
        and carts.triggered_at <= purchases.bought_at
),

triggered as (
    select carts.as_of, carts.customer_id, carts.occurrence, carts.triggered_at
    from carts
    left join bought
        on carts.as_of = bought.as_of and carts.customer_id = bought.customer_id and carts.cart = bought.cart
    where bought.customer_id is null
)

select * from triggered
