{#- A median counts as if this many intervals like those of its wider group had been seen too. -#}
{%- set prior_intervals = 10 %}
with ordered as (
    select
        resolved.as_of,
        resolved.customer_id,
        ordered.product_key,
        ordered.occurred_on,
        sum(ordered.quantity) as quantity
    from {{ resolved_profiles(as_of_days()) }} as resolved
    inner join {{ ref('int_ordered_products__booked') }} as ordered
        on resolved.profile_key = ordered.profile_key
        and ordered.landed_on <= resolved.as_of
        and ordered.occurred_on <= resolved.as_of
    where ordered.product_key is not null
    group by resolved.as_of, resolved.customer_id, ordered.product_key, ordered.occurred_on
),

order_days as (
    select
        as_of,
        customer_id,
        product_key,
        occurred_on - lag(occurred_on) over (
            partition by as_of, customer_id, product_key order by occurred_on
        ) as days_between
    from ordered
    where quantity > 0
),

catalogue as (
    select days.as_of, booked.product_key, max_by(booked.category, (booked.landed_on, booked.category)) as category
    from {{ as_of_days() }} as days
    inner join {{ ref('int_ordered_products__booked') }} as booked on booked.landed_on <= days.as_of
    where booked.category is not null
    group by days.as_of, booked.product_key
),

intervals as (
    select order_days.*, coalesce(catalogue.category, '') as category
    from order_days
    left join catalogue on order_days.as_of = catalogue.as_of and order_days.product_key = catalogue.product_key
),

shops as (
    select as_of, {{ quantile('days_between', 0.5) }} as expected
    from intervals
    group by as_of
),

categories as (
    select
        intervals.as_of,
        intervals.category,
        {{ shrunk_median('days_between', 'any_value(shops.expected)', prior_intervals) }} as expected
    from intervals
    inner join shops on intervals.as_of = shops.as_of
    group by intervals.as_of, intervals.category
),

replenished as (
    select
        intervals.as_of,
        intervals.product_key,
        nullif(intervals.category, '') as category,
        cast(count(distinct intervals.customer_id) as integer) as customer_count,
        cast(count(intervals.days_between) as integer) as interval_count,
        {{ quantile('intervals.days_between', 0.25) }} as days_between_orders_p25,
        {{ quantile('intervals.days_between', 0.5) }} as days_between_orders_p50,
        {{ quantile('intervals.days_between', 0.75) }} as days_between_orders_p75,
        {{ shrunk_median('intervals.days_between', 'any_value(categories.expected)', prior_intervals) }}
            as expected_days_between_orders
    from intervals
    inner join categories on intervals.as_of = categories.as_of and intervals.category = categories.category
    group by intervals.as_of, intervals.product_key, intervals.category
)

select * from replenished
