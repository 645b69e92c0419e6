with identifiers as (
    select profile_key, source, identifier_type, identifier_hash, min(landed_on) as first_landed_on
    from {{ ref('int_identifiers__linked') }}
    where not is_blocked
    group by profile_key, source, identifier_type, identifier_hash
),

resolved as (
    select * from {{ resolved_profiles(as_of_days()) }} as resolved
),

named as (
    select
        profile_key,
        min(landed_on) as named_on,
        arg_min(lower(strip_accents(concat_ws(' ', first_name, last_name))), landed_on) as name
    from {{ ref('int_profiles__unioned') }}
    where first_name is not null
    group by profile_key
),

-- As identity knows it: an account's name is the first that landed for any profile of it.
account_names as (
    select
        identifiers.identifier_hash,
        named.name,
        greatest(identifiers.first_landed_on, named.named_on) as known_on
    from identifiers
    inner join named on identifiers.profile_key = named.profile_key
    where identifiers.identifier_type = 'user_id'
    qualify row_number() over (partition by identifiers.identifier_hash order by known_on, named.profile_key) = 1
),

counted_by_source as (
    select
        resolved.as_of,
        resolved.customer_id,
        identifiers.source,
        count(distinct coalesce(account_names.name, identifiers.identifier_hash))
            filter (where identifiers.identifier_type = 'user_id') as user_ids
    from resolved
    inner join identifiers
        on resolved.profile_key = identifiers.profile_key and identifiers.first_landed_on <= resolved.as_of
    left join account_names
        on identifiers.identifier_hash = account_names.identifier_hash and account_names.known_on <= resolved.as_of
    group by resolved.as_of, resolved.customer_id, identifiers.source
),

most_user_ids as (
    select as_of, customer_id, max(user_ids) as user_ids_of_one_source
    from counted_by_source
    group by as_of, customer_id
),

counted as (
    select
        resolved.as_of,
        resolved.customer_id,
        {%- for type in ['email', 'phone', 'device'] %}
        cast(count(distinct identifiers.identifier_hash) filter (where identifiers.identifier_type = '{{ type }}') as integer)
            as {{ type }}_count,
        {%- endfor %}
        cast(any_value(most_user_ids.user_ids_of_one_source) as integer) as user_id_count
    from resolved
    inner join identifiers
        on resolved.profile_key = identifiers.profile_key and identifiers.first_landed_on <= resolved.as_of
    inner join most_user_ids
        on resolved.as_of = most_user_ids.as_of and resolved.customer_id = most_user_ids.customer_id
    group by resolved.as_of, resolved.customer_id
)

select * from counted
