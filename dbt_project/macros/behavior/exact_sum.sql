{#- The sum of an expression to four decimals: the same in whatever order an engine adds, and 0 of nothing. A zero is left out
    before it is made a decimal, which costs more than the rest. -#}
{% macro exact_sum(expression) -%}
    coalesce(sum(cast(nullif({{ expression }}, 0) as decimal(30, 4))), 0)
{%- endmacro %}
