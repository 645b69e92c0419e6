with versions as (
    select * from {{ versions_as_of(ref('int_profiles__unioned'), 'profile_key', as_of_days()) }} as versions
),

resolved as (
    select * from {{ resolved_profiles(as_of_days()) }} as resolved
),

first_seen as (
    select profile_key, min(landed_on) as first_landed_on
    from (
        select profile_key, landed_on from {{ ref('int_profiles__unioned') }}
        union all
        select profile_key, landed_on from {{ ref('int_identifiers__linked') }}
    ) as sightings
    group by profile_key
),

traits as (
    select
        resolved.as_of,
        resolved.customer_id,
        first_seen.first_landed_on,
        versions.first_name,
        versions.country,
        versions.timezone,
        nullif(lower(trim(versions.company)), '') as company,
        lower(trim(versions.postcode)) || '|' || lower(trim(versions.address)) as household,
        struct_pack(
            updated_at := coalesce(versions.updated_at, versions.created_at, cast(versions.landed_on as timestamp)),
            profile_key := resolved.profile_key
        ) as recency
    from resolved
    left join first_seen on resolved.profile_key = first_seen.profile_key
    left join versions on resolved.as_of = versions.as_of and resolved.profile_key = versions.profile_key
),

picked as (
    select
        as_of,
        customer_id,
        min(first_landed_on) as first_seen_on,
        {%- for trait in ['first_name', 'country', 'timezone'] %}
        max_by({{ trait }}, recency) filter (where {{ trait }} is not null) as {{ trait }},
        {%- endfor %}
        'a_' || substr(sha256(max_by(company, recency) filter (where company is not null)), 1, 16) as account_id,
        'h_' || substr(sha256(max_by(household, recency) filter (where household is not null)), 1, 16) as household_id
    from traits
    group by as_of, customer_id
)

select * from picked
