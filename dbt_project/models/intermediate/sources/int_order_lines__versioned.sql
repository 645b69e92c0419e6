-- Skeleton: the columns other stages rely on. Filled by the sources stage.
select
    cast(null as varchar) as order_key,
    cast(null as integer) as line_number,
    cast(null as varchar) as source,
    cast(null as date) as landed_on,
    cast(null as varchar) as product_key,
    cast(null as varchar) as category,
    cast(null as integer) as quantity,
    cast(null as decimal(18,4)) as unit_price
where false
