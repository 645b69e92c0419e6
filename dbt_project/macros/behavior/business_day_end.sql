{#- The UTC instant at which a business day (a date in HOLDFAST_TIMEZONE) ends. -#}
{% macro business_day_end(day) -%}
    timezone('UTC', timezone('{{ env_var("HOLDFAST_TIMEZONE", "UTC") }}', cast({{ day }} + 1 as timestamp)))
{%- endmacro %}
