{#- The Monday of the week of a day. -#}
{% macro week_of(day) -%}
    cast(date_trunc('week', {{ day }}) as date)
{%- endmacro %}

{#- The first day of the weeks that the KPI chain of a day shows: the week of the day and the seven before it. -#}
{% macro chain_start(as_of) -%}
    ({{ week_of(as_of) }} - 49)
{%- endmacro %}
