-- Skeleton: the columns other stages rely on. Filled by the sources stage.
select
    cast(null as varchar) as profile_key,
    cast(null as varchar) as source,
    cast(null as date) as landed_on,
    cast(null as varchar) as email,
    cast(null as varchar) as mailbox_hash,
    cast(null as varchar) as phone,
    cast(null as varchar) as user_id,
    cast(null as varchar) as first_name,
    cast(null as varchar) as last_name,
    cast(null as varchar) as address,
    cast(null as varchar) as postcode,
    cast(null as varchar) as city,
    cast(null as varchar) as country,
    cast(null as varchar) as company,
    cast(null as varchar) as timezone,
    cast(null as timestamp) as created_at,
    cast(null as timestamp) as updated_at
where false
