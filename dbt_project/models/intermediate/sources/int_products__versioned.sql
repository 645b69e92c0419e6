-- Skeleton: the columns other stages rely on. Filled by the sources stage.
select
    cast(null as varchar) as product_key,
    cast(null as varchar) as source,
    cast(null as date) as landed_on,
    cast(null as varchar) as title,
    cast(null as varchar) as category,
    cast(null as decimal(18,2)) as price,
    cast(null as varchar) as currency,
    cast(null as integer) as stock,
    cast(null as boolean) as is_active,
    cast(null as timestamp) as updated_at
where false
