{#- HOLDFAST_CURRENCY, the one currency of all reported money, as a SQL text; null where it is not set: nothing is converted. -#}
{% macro reporting_currency() -%}
    cast(nullif('{{ env_var("HOLDFAST_CURRENCY", "") }}', '') as varchar)
{%- endmacro %}
