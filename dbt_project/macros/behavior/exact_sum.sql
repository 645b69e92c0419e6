{#- The sum of an expression to four decimals, as a double: the same in whatever order an engine adds. -#}
{% macro exact_sum(expression) -%}
    cast(sum(cast({{ expression }} as decimal(30, 4))) as double)
{%- endmacro %}
