with domains as (
    select * from {{ source('ops', 'internal_domains') }} where {{ in_window('as_of') }}
),

internal as (
    select mailboxes.as_of, mailboxes.customer_id, min(domains.domain) as evidence
    from {{ ref('int_customer_mailboxes__resolved') }} as mailboxes
    inner join domains on mailboxes.as_of = domains.as_of
        and ('.' || split_part(mailboxes.email, '@', 2)) like ('%.' || domains.domain)
    where {{ in_window('mailboxes.as_of') }}
    group by mailboxes.as_of, mailboxes.customer_id
),

orders as (
    select resolved.as_of, resolved.customer_id, orders.order_key, orders.is_test, orders.ordered_at
    from {{ versions_as_of(ref('int_orders__versioned'), 'order_key', as_of_days()) }} as orders
    inner join {{ resolved_profiles(as_of_days()) }} as resolved
        on orders.as_of = resolved.as_of and orders.profile_key = resolved.profile_key
),

-- Who placed test orders and no other.
testers as (
    select as_of, customer_id, min(ordered_at) as tested_at, min_by(order_key, (ordered_at, order_key)) as evidence
    from orders
    group by as_of, customer_id
    having bool_and(is_test)
),

found as (
    select
        coalesce(internal.as_of, testers.as_of) as as_of,
        coalesce(internal.customer_id, testers.customer_id) as customer_id,
        case when internal.customer_id is null then testers.tested_at end as tested_at,
        coalesce(internal.evidence, testers.evidence) as evidence
    from internal
    full join testers on internal.as_of = testers.as_of and internal.customer_id = testers.customer_id
),

suppressed as (
    select
        as_of,
        'person' as scope,
        customer_id,
        cast(null as varchar) as mailbox_hash,
        'internal_and_test_people' as reason,
        tested_at as starts_at,
        cast(null as timestamp) as expires_at,
        evidence as evidence
    from found
)

select * from suppressed
