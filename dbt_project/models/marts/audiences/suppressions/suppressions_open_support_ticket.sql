with tickets as (
    select * from {{ open_tickets(as_of_days()) }} as tickets
),

oldest as (
    select
        *,
        row_number() over (partition by as_of, customer_id order by created_at, ticket_key) as ticket_number
    from tickets
),

suppressed as (
    select
        as_of,
        'person' as scope,
        customer_id,
        cast(null as varchar) as mailbox_hash,
        'open_support_ticket' as reason,
        created_at as starts_at,
        cast(null as timestamp) as expires_at,
        ticket_key as evidence
    from oldest
    where ticket_number = 1
)

select * from suppressed
