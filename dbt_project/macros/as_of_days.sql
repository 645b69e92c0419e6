{#- One row (as_of) for each partition day of the window. -#}
{% macro as_of_days() -%}
    (select cast(unnest(generate_series({{ window_start() }}, {{ window_end() }}, interval 1 day)) as date) as as_of)
{%- endmacro %}
