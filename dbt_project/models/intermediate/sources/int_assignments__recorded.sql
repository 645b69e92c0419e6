-- Skeleton: the columns other stages rely on. Filled by the sources stage.
select
    cast(null as varchar) as experiment,
    cast(null as varchar) as profile_key,
    cast(null as date) as landed_on,
    cast(null as varchar) as arm,
    cast(null as double) as planned_share,
    cast(null as timestamp) as assigned_at,
    cast(null as timestamp) as exposed_at,
    cast(null as timestamp) as ghost_at
where false
