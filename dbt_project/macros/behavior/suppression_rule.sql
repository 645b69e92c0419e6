{#- The numbers that each day's playbook gives a reason not to mail, one row a day; no row where it gives none. -#}
{% macro suppression_rule(reason) -%}
    (select * from {{ source('ops', 'suppression_rules') }} where {{ in_window('as_of') }} and reason = '{{ reason }}')
{%- endmacro %}
