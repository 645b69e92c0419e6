{#- The business day (a date in HOLDFAST_TIMEZONE) on which a UTC instant falls. -#}
{% macro business_day(instant) -%}
    cast(timezone('{{ env_var("HOLDFAST_TIMEZONE", "UTC") }}', timezone('UTC', {{ instant }})) as date)
{%- endmacro %}
