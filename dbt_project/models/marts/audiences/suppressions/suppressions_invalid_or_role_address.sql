with identifiers as (
    select
        days.as_of,
        identifiers.identifier_hash as mailbox_hash,
        min(identifiers.landed_on) as seen_on,
        case when bool_or(identifiers.is_role_mailbox) then 'role' else 'placeholder' end as fault
    from {{ as_of_days() }} as days
    inner join {{ ref('int_identifiers__linked') }} as identifiers on identifiers.landed_on <= days.as_of
    where identifiers.identifier_type = 'email' and (identifiers.is_role_mailbox or identifiers.is_blocked)
    group by days.as_of, identifiers.identifier_hash
),

-- What the ESP does not even try to send to: it says of the address itself that it is none.
refused as (
    select days.as_of, events.mailbox_hash, min(events.occurred_at) as refused_at, min(events.event_key) as event_key
    from {{ as_of_days() }} as days
    inner join {{ ref('int_email_events__unioned') }} as events on events.landed_on <= days.as_of
    where events.mailbox_hash is not null and events.event = 'dropped' and lower(trim(events.reason)) = 'invalid'
    group by days.as_of, events.mailbox_hash
),

faulty as (
    select
        coalesce(identifiers.as_of, refused.as_of) as as_of,
        coalesce(identifiers.mailbox_hash, refused.mailbox_hash) as mailbox_hash,
        coalesce(cast(identifiers.seen_on as timestamp), refused.refused_at) as found_at,
        coalesce(identifiers.fault, refused.event_key) as fault
    from identifiers
    full join refused on identifiers.as_of = refused.as_of and identifiers.mailbox_hash = refused.mailbox_hash
),

suppressed as (
    select
        as_of,
        'mailbox' as scope,
        cast(null as varchar) as customer_id,
        mailbox_hash,
        'invalid_or_role_address' as reason,
        found_at as starts_at,
        cast(null as timestamp) as expires_at,
        fault as evidence
    from faulty
)

select * from suppressed
