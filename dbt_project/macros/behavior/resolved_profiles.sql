{#- Every profile with the customer it belonged to on each day of a relation that has a column as_of. -#}
{% macro resolved_profiles(days) -%}
    (
        select days.as_of, identity_map.profile_key, identity_map.customer_id, identity_map.root_profile_key
        from {{ days }} as days
        inner join {{ source('identity', 'identity_map') }} as identity_map
            on identity_map.valid_from <= days.as_of and days.as_of < identity_map.valid_to
    )
{%- endmacro %}
