{#- The category to which each customer is drawn most, as known on each day of a relation that has a column as_of. -#}
{% macro favourite_categories_as_of(days) -%}
    (
        select as_of, customer_id, category
        from {{ foremost_affinities_as_of(days) }} as affinities
        where affinity_rank = 1
    )
{%- endmacro %}
