with entries as (
    select * from {{ ref('int_order_entries__booked') }}
    where {{ in_window('landed_on') }} and profile_key is not null
),

aggregated as (
    select
        profile_key,
        landed_on,
        occurred_on,
        cast(sum(order_count) as integer) as order_count,
        cast(sum(gross_amount) as decimal(18, 2)) as gross_amount,
        cast(sum(refund_amount) as decimal(18, 2)) as refund_amount,
        cast(sum(net_amount) as decimal(18, 2)) as net_amount
    from entries
    group by profile_key, landed_on, occurred_on
)

select * from aggregated
