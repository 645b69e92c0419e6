with orders as (
    select
        * exclude (phone, user_id) replace ({{ profile_or_mailbox() }} as profile_key),
        {{ business_day('ordered_at') }} as ordered_on
    from {{ unioned('orders') }}
),

rates as (
    select * from {{ ref('int_currency_rates__dated') }}
    where landed_on <= {{ window_end() }} and to_currency = {{ reporting_currency() }}
),

foreign_days as (
    select distinct landed_on, ordered_on, currency from orders where currency <> {{ reporting_currency() }}
),

-- The newest rate of the order's day or before, as it was known when the order landed: a rebuild finds the same one.
day_rates as (
    select
        foreign_days.landed_on,
        foreign_days.ordered_on,
        foreign_days.currency,
        max_by(rates.rate, (rates.rate_on, rates.landed_on)) as rate
    from foreign_days
    inner join rates on foreign_days.currency = rates.currency
        and foreign_days.ordered_on >= rates.rate_on
        and foreign_days.landed_on >= rates.landed_on
    group by foreign_days.landed_on, foreign_days.ordered_on, foreign_days.currency
),

unioned as (
    select
        orders.* exclude (ordered_on),
        case
            when day_rates.rate is not null then {{ reporting_currency() }}
            else coalesce(orders.currency, {{ reporting_currency() }})
        end as reporting_currency,
        coalesce(day_rates.rate, 1) as rate,
        cast(
            case
                when orders.is_test or orders.status = 'pending' then 0
                else round(orders.total_amount * coalesce(day_rates.rate, 1), 2)
            end as decimal(18, 2)
        ) as gross_amount
    from orders
    left join day_rates on orders.landed_on = day_rates.landed_on
        and orders.ordered_on = day_rates.ordered_on
        and orders.currency = day_rates.currency
)

select * from unioned
