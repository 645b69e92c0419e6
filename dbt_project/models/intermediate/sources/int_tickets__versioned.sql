-- Skeleton: the columns other stages rely on. Filled by the sources stage.
select
    cast(null as varchar) as ticket_key,
    cast(null as varchar) as source,
    cast(null as date) as landed_on,
    cast(null as varchar) as profile_key,
    cast(null as varchar) as status,
    cast(null as varchar) as priority,
    cast(null as varchar) as satisfaction,
    cast(null as timestamp) as created_at,
    cast(null as timestamp) as updated_at
where false
