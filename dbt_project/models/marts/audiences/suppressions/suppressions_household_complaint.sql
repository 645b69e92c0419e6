with rule as (
    select * from {{ suppression_rule('household_complaint') }} as rule
),

members as (
    select as_of, customer_id, household_id from {{ ref('dim_customers') }}
    where {{ in_window('as_of') }} and household_id is not null
),

complaints as (
    select * from {{ ref('int_customer_consent__folded') }}
    where {{ in_window('as_of') }} and consent_status = 'complained'
),

-- The evidence names no statement: a row of a house outlives the erasure of the member who complained.
houses as (
    select
        members.as_of,
        members.household_id,
        min(complaints.decided_at) as complained_at,
        count(complaints.customer_id) || ' of ' || count(*) || ' people' as evidence
    from members
    inner join rule on members.as_of = rule.as_of
    left join complaints on members.as_of = complaints.as_of and members.customer_id = complaints.customer_id
    group by members.as_of, members.household_id, rule.at_most
    having count(complaints.customer_id) > 0 and count(*) between 2 and rule.at_most
),

suppressed as (
    select
        as_of,
        'household' as scope,
        cast(null as varchar) as customer_id,
        cast(null as varchar) as mailbox_hash,
        household_id,
        'household_complaint' as reason,
        complained_at as starts_at,
        cast(null as timestamp) as expires_at,
        evidence
    from houses
)

select * from suppressed
