{#- The median of a group, drawn towards that of a wider group as if so many more values lay there; null where neither has any. -#}
{% macro shrunk_median(expression, prior, prior_count) -%}
    round(
        (
            count({{ expression }}) * coalesce({{ quantile(expression, 0.5) }}, {{ prior }})
            + {{ prior_count }} * {{ prior }}
        ) / (count({{ expression }}) + {{ prior_count }}),
        6
    )
{%- endmacro %}
