{%- set days_before = 28 %}
{%- set then_days = '(select days.as_of - ' ~ days_before ~ ' as as_of from ' ~ as_of_days() ~ ' as days)' %}
with customers as (
    select distinct resolved.as_of, resolved.customer_id, resolved.root_profile_key
    from {{ resolved_profiles(as_of_days()) }} as resolved
),

now_named as (
    select * from {{ ref('customer_rfm') }} where {{ in_window('as_of') }}
),

then_orders as (
    select * from {{ customer_orders_summary(then_days) }} as orders
),

then_measured as (
    {{ rfm_measured('then_orders') }}
),

then_thresholds as (
    {{ rfm_threshold_row('then_measured') }}
),

then_named as (
    {{ rfm_named('then_measured', 'then_thresholds') }}
),

then_profiles as (
    select * from {{ resolved_profiles(then_days) }} as resolved
),

-- Who a customer was then is who its oldest profile was.
moved as (
    select
        customers.as_of,
        coalesce(then_named.rfm_segment, 'not_a_buyer') as from_segment,
        coalesce(now_named.rfm_segment, 'not_a_buyer') as to_segment
    from customers
    left join now_named on customers.as_of = now_named.as_of and customers.customer_id = now_named.customer_id
    left join then_profiles
        on customers.as_of = then_profiles.as_of + {{ days_before }}
        and customers.root_profile_key = then_profiles.profile_key
    left join then_named
        on then_profiles.as_of = then_named.as_of and then_profiles.customer_id = then_named.customer_id
    where now_named.customer_id is not null or then_named.customer_id is not null
),

counted as (
    select as_of, from_segment, to_segment, cast(count(*) as integer) as customer_count
    from moved
    group by as_of, from_segment, to_segment
)

select * from counted
