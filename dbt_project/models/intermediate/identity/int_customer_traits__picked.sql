{%- set traits = ['first_name', 'country', 'timezone', 'company', 'address'] -%}

with resolved as (
    select * from {{ resolved_profiles(as_of_days()) }} as resolved
),

profiles as (
    select * from {{ ref('int_profiles__unioned') }}
),

first_seen as (
    select profile_key, min(landed_on) as first_landed_on
    from (
        select profile_key, landed_on from profiles
        union all
        select profile_key, landed_on from {{ ref('int_identifiers__linked') }}
    ) as sightings
    group by profile_key
),

counted as (
    select
        resolved.as_of,
        resolved.customer_id,
        min(first_seen.first_landed_on) as first_seen_on,
        cast(count(*) as integer) as profile_count
    from resolved
    left join first_seen on resolved.profile_key = first_seen.profile_key
    group by resolved.as_of, resolved.customer_id
),

-- A source that the playbook does not name for a trait is believed after all that it names.
believed as (
    select
        as_of,
        source
        {%- for trait in traits %},
        -min(rank) filter (where trait = '{{ trait }}') as {{ trait }}
        {%- endfor %}
    from {{ source('ops', 'trait_sources') }}
    where {{ in_window('as_of') }}
    group by as_of, source
),

stated as (
    select
        resolved.as_of,
        resolved.customer_id,
        profiles.source,
        profiles.landed_on,
        profiles.first_name,
        profiles.country,
        profiles.timezone,
        lower({{ normalise_name('profiles.company') }}) as company,
        sha256({{ normalise_address('profiles.address', 'profiles.postcode') }}) as address,
        struct_pack(
            updated_at := coalesce(profiles.updated_at, profiles.created_at, cast(profiles.landed_on as timestamp)),
            landed_on := profiles.landed_on,
            profile_key := profiles.profile_key
        ) as recency
    from resolved
    inner join profiles on resolved.profile_key = profiles.profile_key and profiles.landed_on <= resolved.as_of
),

picked as (
    select
        stated.as_of,
        stated.customer_id
        {%- for trait in traits %},
        max_by(
            struct_pack(said := stated.{{ trait }}, source := stated.source, seen_on := stated.landed_on),
            struct_pack(belief := coalesce(believed.{{ trait }}, -1000), recency := stated.recency)
        ) filter (where stated.{{ trait }} is not null) as {{ trait }}
        {%- endfor %}
    from stated
    left join believed on stated.as_of = believed.as_of and stated.source = believed.source
    group by stated.as_of, stated.customer_id
),

traits as (
    select
        counted.*,
        {%- for trait in traits %}
        picked.{{ trait }}.said as {{ 'address_hash' if trait == 'address' else trait }},
        picked.{{ trait }}.source as {{ trait }}_source,
        picked.{{ trait }}.seen_on as {{ trait }}_seen_on{{ ',' if not loop.last }}
        {%- endfor %}
    from counted
    left join picked on counted.as_of = picked.as_of and counted.customer_id = picked.customer_id
)

select * from traits
