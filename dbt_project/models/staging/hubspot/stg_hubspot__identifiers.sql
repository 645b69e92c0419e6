{{ config(materialized='ephemeral', enabled=is_enabled('hubspot')) }}

with contacts as (
    select *, 'hubspot:' || contact_id as profile_key from {{ ref('base_hubspot__contacts') }} where {{ is_staged() }}
),

-- A merged contact's id is an alias of the one it went into: both records bear it, and no person is made of it.
identifiers as (
    select landed_on, profile_key, 'hubspot:' || unnest(merged_ids || [contact_id]) as alias, cast(null as varchar) as email
    from contacts
    union all
    select landed_on, profile_key, null as alias, {{ normalise_email('additional_email') }} as email
    from (select landed_on, profile_key, unnest(additional_emails) as additional_email from contacts)
    where {{ normalise_email('additional_email') }} is not null
)

select * from identifiers
