with profiles as (
    select * from {{ ref('int_profiles__unioned') }} where mailbox_hash is not null and email is not null
),

blocked as (
    select distinct identifier_hash from {{ ref('int_identifiers__linked') }}
    where identifier_type = 'email' and is_blocked
),

resolved as (
    select * from {{ resolved_profiles(as_of_days()) }} as resolved
),

mailboxes as (
    select
        resolved.as_of,
        resolved.customer_id,
        profiles.mailbox_hash,
        max(profiles.email) as email,
        max(profiles.landed_on) as last_seen_on
    from resolved
    inner join profiles on resolved.profile_key = profiles.profile_key and profiles.landed_on <= resolved.as_of
    left join blocked on profiles.mailbox_hash = blocked.identifier_hash
    where blocked.identifier_hash is null
    group by resolved.as_of, resolved.customer_id, profiles.mailbox_hash
)

select * from mailboxes
