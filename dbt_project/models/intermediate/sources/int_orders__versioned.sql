-- Skeleton: the columns other stages rely on. Filled by the sources stage.
select
    cast(null as varchar) as order_key,
    cast(null as varchar) as source,
    cast(null as date) as landed_on,
    cast(null as varchar) as profile_key,
    cast(null as timestamp) as ordered_at,
    cast(null as date) as ordered_on,
    cast(null as timestamp) as updated_at,
    cast(null as varchar) as status,
    cast(null as varchar) as currency,
    cast(null as decimal(18,2)) as gross_amount,
    cast(null as decimal(18,2)) as discount_amount,
    cast(null as decimal(18,2)) as refund_amount,
    cast(null as decimal(18,2)) as net_amount,
    cast(null as boolean) as is_renewal,
    cast(null as boolean) as is_test
where false
