{#- What a source declares of its columns: name, and where the value lies. `from` (config.meta) lists other names that it
    has in tables (CSV, Parquet), and JSON paths (`$...`), which take the place of `$.name`; the first that is there counts.
    `personal` (config.meta) is what the column tells of a person. -#}
{% macro landing_columns(vendor, object) -%}
    {%- set found = [] -%}
    {%- for node in graph.sources.values() if node.source_name == vendor and node.name == object -%}
        {%- for column in node.columns.values() -%}
            {%- set places = column.config.meta.get('from', []) -%}
            {%- set paths, headers = [], [column.name] -%}
            {%- for place in places -%}
                {%- do (paths if place.startswith('$') else headers).append(place) -%}
            {%- endfor -%}
            {%- do found.append({
                'name': column.name,
                'paths': paths or ['$.' ~ column.name],
                'headers': headers,
                'personal': column.config.meta.get('personal'),
            }) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if not found -%}
        {{ exceptions.raise_compiler_error("the source " ~ vendor ~ "." ~ object ~ " declares no columns") }}
    {%- endif -%}
    {{ return(found) }}
{%- endmacro %}
