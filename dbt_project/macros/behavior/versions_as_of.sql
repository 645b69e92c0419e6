{#- The newest version of each record that had landed by each day of a relation that has a column as_of. -#}
{% macro versions_as_of(versions, key, days) -%}
    (
        select days.as_of, versions.*
        from {{ days }} as days
        inner join (
            select *, lead(landed_on) over (partition by {{ key }} order by landed_on) as superseded_on
            from {{ versions }}
        ) as versions
            on versions.landed_on <= days.as_of
            and (versions.superseded_on is null or days.as_of < versions.superseded_on)
    )
{%- endmacro %}
