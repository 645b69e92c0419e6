with consent as (
    select * from {{ ref('int_customer_consent__folded') }}
    where {{ in_window('as_of') }} and first_affirmed_at is not null
),

stages as (
    select * from {{ ref('customer_lifecycle') }} where {{ in_window('as_of') }} and lifecycle_stage = 'subscriber'
),

waiting as (
    select
        consent.as_of,
        consent.customer_id,
        consent.first_affirmed_evidence_id,
        consent.first_affirmed_at,
        (consent.as_of - {{ business_day('consent.first_affirmed_at') }}) as days_waited
    from consent
    inner join stages on consent.as_of = stages.as_of and consent.customer_id = stages.customer_id
),

months as (
    select *, cast(floor(days_waited / 30) as integer) as month_number from waiting
),

triggered as (
    select
        as_of,
        customer_id,
        first_affirmed_evidence_id || ':' || month_number as occurrence,
        first_affirmed_at + month_number * interval 30 day as triggered_at
    from months
    where month_number between 1 and 12 and days_waited - 30 * month_number <= 14
)

select * from triggered
