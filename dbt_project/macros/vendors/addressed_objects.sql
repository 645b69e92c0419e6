{#- The (vendor, object) pairs of the enabled vendors whose records bear an email address, as their sources declare. -#}
{% macro addressed_objects() -%}
    {%- set found = [] -%}
    {%- for vendor, has in var('vendors').items() -%}
        {%- for object in has.reads -%}
            {%- do ref('base_' ~ vendor ~ '__' ~ object) -%}
            {%- for column in (landing_columns(vendor, object) if execute else []) if column.name.endswith('email') -%}
                {%- if loop.first -%}{%- do found.append((vendor, object)) -%}{%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}
