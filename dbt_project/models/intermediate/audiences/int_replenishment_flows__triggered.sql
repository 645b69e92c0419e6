with bought as (
    select
        resolved.as_of,
        resolved.customer_id,
        ordered.product_key,
        ordered.occurred_on
    from {{ resolved_profiles(as_of_days()) }} as resolved
    inner join {{ ref('int_ordered_products__booked') }} as ordered
        on resolved.profile_key = ordered.profile_key
        and ordered.landed_on <= resolved.as_of
        and ordered.occurred_on <= resolved.as_of
    where ordered.product_key is not null
    group by resolved.as_of, resolved.customer_id, ordered.product_key, ordered.occurred_on
    having sum(ordered.quantity) > 0
),

last_bought as (
    select as_of, customer_id, product_key, max(occurred_on) as last_bought_on
    from bought
    group by as_of, customer_id, product_key
),

replenishments as (
    select * from {{ ref('product_replenishments') }} where {{ in_window('as_of') }} and interval_count >= 5
),

expected as (
    select
        last_bought.*,
        last_bought.last_bought_on + cast(floor(replenishments.expected_days_between_orders) as integer) - 7 as starts_on
    from last_bought
    inner join replenishments
        on last_bought.as_of = replenishments.as_of and last_bought.product_key = replenishments.product_key
    where replenishments.expected_days_between_orders > 7
),

triggered as (
    select
        as_of,
        customer_id,
        product_key || ':' || last_bought_on as occurrence,
        {{ business_day_end('starts_on - 1') }} as triggered_at
    from expected
    where starts_on between as_of - 14 and as_of and starts_on > last_bought_on
)

select * from triggered
