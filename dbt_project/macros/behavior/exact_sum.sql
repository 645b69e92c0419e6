{#- The sum of an expression to four decimals: the same in whatever order an engine adds. -#}
{% macro exact_sum(expression) -%}
    sum(cast({{ expression }} as decimal(30, 4)))
{%- endmacro %}
