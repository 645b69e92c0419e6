{#- Every profile with the customer it belonged to on each day of a relation that has a column as_of; `among` (a relation of as_of and
    customer_id) spares everyone else. -#}
{% macro resolved_profiles(days, among=none) -%}
    (
        select days.as_of, identity_map.profile_key, identity_map.customer_id, identity_map.root_profile_key
        from {{ days }} as days
        inner join {{ source('identity', 'identity_map') }} as identity_map
            on identity_map.valid_from <= days.as_of and days.as_of < identity_map.valid_to
        {%- if among is not none %}
        inner join {{ among }} as among
            on days.as_of = among.as_of and identity_map.customer_id = among.customer_id
        {%- endif %}
    )
{%- endmacro %}
