with sightings as (
    select * from {{ ref('int_profile_sightings__unioned') }} where {{ in_window('landed_on') }}
),

blocked as (
    select * from {{ ref('blocked_identifiers') }}
),

role_mailboxes as (
    select * from {{ ref('role_mailboxes') }}
),

inboxes as (
    select
        sightings.*,
        replace(
            split_part(split_part(sightings.email, '@', 1), providers.tag_separator, 1),
            case when providers.ignores_dots then '.' else '' end, ''
        ) || '@' || providers.inbox_domain as inbox
    from sightings
    left join {{ ref('email_providers') }} as providers
        on split_part(sightings.email, '@', 2) = providers.domain and {{ var('identity').provider_rules }}
),

identifiers as (
    select distinct profile_key, landed_on, identifier_type, identifier_value
    from inboxes
    unpivot (identifier_value for identifier_type in (email, phone, user_id, device, alias, inbox))
),

-- A value is seen on many days: each is hashed once.
valued as (
    select
        identifier_type,
        identifier_value,
        {{ hash_identifier('identifier_value') }} as identifier_hash,
        regexp_matches(identifier_value, '^[+0-]+$') or lower(identifier_value) in (
            select blocked.identifier_value from blocked
            where blocked.identifier_type in ('any', replace(distinct_values.identifier_type, 'inbox', 'email'))
        ) as is_blocked,
        identifier_type in ('email', 'inbox') and split_part(split_part(identifier_value, '@', 1), '+', 1) in (
            select role_mailboxes.local_part from role_mailboxes
        ) as is_role_mailbox
    from (select distinct identifier_type, identifier_value from identifiers) as distinct_values
),

linked as (
    select
        identifiers.profile_key,
        identifiers.identifier_type,
        valued.identifier_hash,
        identifiers.landed_on,
        split_part(identifiers.profile_key, ':', 1) as source,
        valued.is_blocked,
        valued.is_role_mailbox
    from identifiers
    inner join valued on identifiers.identifier_type = valued.identifier_type
        and identifiers.identifier_value = valued.identifier_value
)

select * from linked
