with rates as (
    select * from {{ unioned('rates') }}
),

both_ways as (
    select landed_on, rate_on, currency, to_currency, rate, 1 as preference from rates
    union all
    select landed_on, rate_on, to_currency as currency, currency as to_currency, 1 / rate as rate, 2 as preference
    from rates
),

dated as (
    select landed_on, rate_on, currency, to_currency, rate
    from both_ways
    qualify row_number() over (
        partition by landed_on, rate_on, currency, to_currency order by preference, rate
    ) = 1
)

select * from dated
