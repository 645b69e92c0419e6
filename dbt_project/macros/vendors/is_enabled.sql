{#- Whether the project reads a vendor: its models exist only then. The list is `vendors` in dbt_project.yml. -#}
{% macro is_enabled(vendor) -%}
    {{ return(vendor in var('vendors')) }}
{%- endmacro %}
