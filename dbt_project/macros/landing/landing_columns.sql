{#- What a source declares of its columns: name, the JSON path where it differs from the name
    (meta.path), and what it tells of a person (meta.personal). -#}
{% macro landing_columns(vendor, object) -%}
    {%- set found = [] -%}
    {%- for node in graph.sources.values() if node.source_name == vendor and node.name == object -%}
        {%- for column in node.columns.values() -%}
            {%- set meta = column.config.meta if column.config is defined and column.config.meta else column.meta -%}
            {%- do found.append({'name': column.name, 'path': (meta or {}).get('path', '$.' ~ column.name),
                'personal': (meta or {}).get('personal')}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if not found -%}
        {{ exceptions.raise_compiler_error("the source " ~ vendor ~ "." ~ object ~ " declares no columns") }}
    {%- endif -%}
    {{ return(found) }}
{%- endmacro %}
