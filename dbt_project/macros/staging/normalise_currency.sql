{#- A currency as its ISO 4217 code, kept beside the text for the rule `no_currency`. -#}
{% macro currency(column) -%}
    case when regexp_full_match(upper({{ column }}), '[A-Z]{3}') then upper({{ column }}) end as {{ column }},
        {{ column }} as {{ column }}_text
{%- endmacro %}
