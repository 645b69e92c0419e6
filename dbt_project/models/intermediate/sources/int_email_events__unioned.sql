-- Skeleton: the columns other stages rely on. Filled by the sources stage.
select
    cast(null as varchar) as event_key,
    cast(null as varchar) as source,
    cast(null as varchar) as event,
    cast(null as date) as landed_on,
    cast(null as timestamp) as occurred_at,
    cast(null as date) as occurred_on,
    cast(null as varchar) as mailbox_hash,
    cast(null as varchar) as profile_key,
    cast(null as varchar) as message_id,
    cast(null as varchar) as decision_id,
    cast(null as varchar) as flow,
    cast(null as varchar) as step,
    cast(null as varchar) as arm,
    cast(null as varchar) as url,
    cast(null as boolean) as is_machine,
    cast(null as varchar) as reason
where false
