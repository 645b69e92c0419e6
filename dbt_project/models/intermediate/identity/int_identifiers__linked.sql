-- Skeleton: the columns other stages rely on. Filled by the sources stage.
select
    cast(null as varchar) as profile_key,
    cast(null as varchar) as identifier_type,
    cast(null as varchar) as identifier_hash,
    cast(null as date) as landed_on,
    cast(null as varchar) as source,
    cast(null as boolean) as is_blocked,
    cast(null as boolean) as is_role_mailbox
where false
