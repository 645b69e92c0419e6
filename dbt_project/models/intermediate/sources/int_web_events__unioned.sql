-- Skeleton: the columns other stages rely on. Filled by the sources stage.
select
    cast(null as varchar) as event_key,
    cast(null as varchar) as source,
    cast(null as varchar) as event,
    cast(null as date) as landed_on,
    cast(null as timestamp) as occurred_at,
    cast(null as date) as occurred_on,
    cast(null as timestamp) as received_at,
    cast(null as varchar) as profile_key,
    cast(null as varchar) as product_key,
    cast(null as varchar) as cart_id,
    cast(null as varchar) as device_type
where false
