with consent as (
    select * from {{ ref('int_customer_consent__folded') }} where {{ in_window('as_of') }}
),

triggered as (
    select
        as_of,
        customer_id,
        first_affirmed_evidence_id as occurrence,
        first_affirmed_at as triggered_at
    from consent
    where {{ business_day('first_affirmed_at') }} between as_of - 14 and as_of
)

select * from triggered
