with orders as (
    select orders.*, resolved.customer_id
    from {{ versions_as_of(ref('int_orders__versioned'), 'order_key', as_of_days()) }} as orders
    inner join {{ resolved_profiles(as_of_days()) }} as resolved
        on orders.as_of = resolved.as_of and orders.profile_key = resolved.profile_key
    where orders.is_renewal and orders.net_amount > 0 and not orders.is_test and orders.ordered_on <= orders.as_of
),

renewals as (
    select
        as_of,
        customer_id,
        max_by(order_key, (ordered_at, order_key)) as occurrence,
        max(ordered_on) as renewed_on,
        (max(ordered_on) - min(ordered_on)) / nullif(count(distinct ordered_on) - 1, 0) as own_period
    from orders
    group by as_of, customer_id
),

expected as (
    select *, renewed_on + cast(floor(coalesce(own_period, 30)) as integer) - 7 as starts_on from renewals
),

triggered as (
    select as_of, customer_id, occurrence, {{ business_day_end('starts_on - 1') }} as triggered_at
    from expected
    where starts_on between as_of - 14 and as_of and starts_on > renewed_on
)

select * from triggered
