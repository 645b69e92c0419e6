-- Skeleton: the columns other stages rely on. Filled by the sources stage.
select
    cast(null as varchar) as evidence_id,
    cast(null as varchar) as source,
    cast(null as date) as landed_on,
    cast(null as varchar) as mailbox_hash,
    cast(null as varchar) as channel,
    cast(null as varchar) as topic,
    cast(null as varchar) as statement,
    cast(null as boolean) as is_affirmative,
    cast(null as timestamp) as occurred_at
where false
