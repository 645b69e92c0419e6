{#- A declared column of a table whose header is known (lower case name: name as written); null where it has none. -#}
{% macro landing_cell(column, known, relation) -%}
    {%- set cells = [] -%}
    {%- for header in column.headers if header | lower in known -%}
        {%- do cells.append("nullif(trim(cast(" ~ relation ~ "." ~ landing_quoted(known[header | lower]) ~ " as varchar)), '')") -%}
    {%- endfor -%}
    {{ 'coalesce(' ~ cells | join(', ') ~ ')' if cells else 'cast(null as varchar)' }} as {{ adapter.quote(column.name) }}
{%- endmacro %}

{% macro landing_quoted(name) -%}
    "{{ name | replace('"', '""') }}"
{%- endmacro %}
