{#- The (vendor, object) pairs of the enabled vendors whose records bear an email address, as their sources declare. -#}
{% macro addressed_objects() -%}
    {%- set found = [] -%}
    {%- for vendor, has in var('vendors').items() -%}
        {%- for object in has.reads -%}
            {%- do ref('base_' ~ vendor ~ '__' ~ object) -%}
            {%- if execute and landing_columns(vendor, object) | map(attribute='name') | select('match', '(.*_)?email$') | list -%}
                {%- do found.append((vendor, object)) -%}
            {%- elif not execute -%}
                {%- do found.append((vendor, object)) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}
