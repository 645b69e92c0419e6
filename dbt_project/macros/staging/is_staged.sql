{#- True for the rows of a base model that broke no rule, are no duplicates, and landed in the window. -#}
{% macro is_staged() -%}
    row_status = 'staged' and {{ in_window('landed_on') }}
{%- endmacro %}
