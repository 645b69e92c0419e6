{%- set tombstones = state_table('tombstones') -%}
with tombstones as (
    {%- if tombstones %}
    select kind, hash, effective_on from {{ tombstones }}
    {%- else %}
    select cast(null as varchar) as kind, cast(null as varchar) as hash, cast(null as date) as effective_on where false
    {%- endif %}
),

mailboxes as (
    select distinct as_of, mailbox_hash from {{ ref('int_customer_mailboxes__resolved') }} where {{ in_window('as_of') }}
),

customers as (
    select as_of, customer_id from {{ ref('dim_customers') }} where {{ in_window('as_of') }}
),

-- Whoever is erased is not there any more; these are people whose erasure has begun and did not end.
suppressed as (
    select
        mailboxes.as_of,
        'mailbox' as scope,
        cast(null as varchar) as customer_id,
        mailboxes.mailbox_hash,
        'erased' as reason,
        cast(least(tombstones.effective_on, mailboxes.as_of) as timestamp) as starts_at,
        cast(null as timestamp) as expires_at,
        cast(null as varchar) as evidence
    from mailboxes
    inner join tombstones on tombstones.kind = 'email' and mailboxes.mailbox_hash = tombstones.hash
    union all
    select
        customers.as_of,
        'person' as scope,
        customers.customer_id,
        cast(null as varchar) as mailbox_hash,
        'erased' as reason,
        cast(least(tombstones.effective_on, customers.as_of) as timestamp) as starts_at,
        cast(null as timestamp) as expires_at,
        cast(null as varchar) as evidence
    from customers
    inner join tombstones
        on tombstones.kind = 'customer_id' and {{ hash_identifier('customers.customer_id') }} = tombstones.hash
)

select * from suppressed
