{#- The category to which each customer is drawn most, as known on each day of a relation that has a column as_of. -#}
{% macro favourite_categories_as_of(days) -%}
    (
        select as_of, customer_id, category
        from {{ customer_affinities_as_of(days) }} as affinities
        where affinity > 0
        qualify row_number() over (partition by as_of, customer_id order by affinity desc, category) = 1
    )
{%- endmacro %}
