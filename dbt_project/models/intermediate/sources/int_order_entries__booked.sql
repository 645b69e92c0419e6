-- Skeleton: the columns other stages rely on. Filled by the sources stage.
select
    cast(null as varchar) as order_key,
    cast(null as varchar) as source,
    cast(null as date) as landed_on,
    cast(null as varchar) as profile_key,
    cast(null as date) as occurred_on,
    cast(null as varchar) as currency,
    cast(null as integer) as order_count,
    cast(null as decimal(18,2)) as gross_amount,
    cast(null as decimal(18,2)) as refund_amount,
    cast(null as decimal(18,2)) as net_amount
where false
