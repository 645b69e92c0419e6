{#- Casts that keep the text they were made of, so that a rule can tell what was absent from what could not be cast. -#}
{% macro instant(column, text=none, zone=none) -%}
    {{ parse_instant(text or column, zone) }} as {{ column }},
        {{ text or column }} as {{ column }}_text
{%- endmacro %}

{#- The time of a version of a record; the start of the landing day where the record names none. -#}
{% macro version_instant(column, text=none, zone=none) -%}
    case
            when {{ text or column }} is null then cast(landed_on as timestamp) else {{ parse_instant(text or column, zone) }}
        end as {{ column }},
        {{ text or column }} as {{ column }}_text
{%- endmacro %}

{% macro number(column, type, text=none) -%}
    try_cast({{ text or column }} as {{ type }}) as {{ column }},
        {{ text or column }} as {{ column }}_text
{%- endmacro %}

{% macro flag(text) -%}
    coalesce(try_cast({{ text }} as boolean), false)
{%- endmacro %}
