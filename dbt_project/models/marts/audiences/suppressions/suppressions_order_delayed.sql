with rule as (
    select * from {{ suppression_rule('order_delayed') }} as rule
),

due as (
    select
        resolved.customer_id,
        orders.*,
        rule.days,
        orders.ordered_at + to_days(rule.after_days) as due_at,
        orders.fulfillment_status in ('fulfilled', 'restocked') is not true as is_waiting
    from {{ versions_as_of(ref('int_orders__versioned'), 'order_key', as_of_days()) }} as orders
    inner join rule on orders.as_of = rule.as_of
    inner join {{ resolved_profiles(as_of_days()) }} as resolved
        on orders.as_of = resolved.as_of and orders.profile_key = resolved.profile_key
    where orders.status = 'paid' and not orders.is_test
        and orders.ordered_on between orders.as_of - rule.days + 1 and orders.as_of - rule.after_days
),

-- A source that marks few of its orders as fulfilled does not tell which ones are late.
telling as (
    select as_of, source from due group by as_of, source having count(*) filter (where is_waiting) * 2 < count(*)
),

oldest as (
    select
        due.*,
        row_number() over (partition by due.as_of, due.customer_id order by due.ordered_at, due.order_key) as order_number
    from due
    inner join telling on due.as_of = telling.as_of and due.source = telling.source
    where due.is_waiting
),

suppressed as (
    select
        as_of,
        'person' as scope,
        customer_id,
        cast(null as varchar) as mailbox_hash,
        'order_delayed' as reason,
        due_at as starts_at,
        ordered_at + to_days(days) as expires_at,
        order_key as evidence
    from oldest
    where order_number = 1
)

select * from suppressed
