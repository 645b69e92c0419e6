{#- Every usable address that the profiles of each customer have had by each partition day of the window. -#}
{% macro customer_mailboxes() -%}
    (
        select
            resolved.as_of,
            resolved.customer_id,
            profiles.mailbox_hash,
            max(profiles.email) as email,
            max(profiles.landed_on) as last_seen_on
        from {{ resolved_profiles(as_of_days()) }} as resolved
        inner join {{ ref('int_profiles__unioned') }} as profiles
            on resolved.profile_key = profiles.profile_key and profiles.landed_on <= resolved.as_of
        left join (
            select distinct identifier_hash
            from {{ ref('int_identifiers__linked') }}
            where identifier_type = 'email' and is_blocked
        ) as blocked
            on profiles.mailbox_hash = blocked.identifier_hash
        where blocked.identifier_hash is null and profiles.mailbox_hash is not null and profiles.email is not null
        group by resolved.as_of, resolved.customer_id, profiles.mailbox_hash
    )
{%- endmacro %}
