{#- The IANA time zone of a name, however it is cased; null for names that no zone has (`Pacific Time (US & Canada)`). -#}
{% macro known_timezone(text) -%}
    (select any_value(zones.name) from pg_timezone_names() as zones where lower(zones.name) = lower({{ text }}))
{%- endmacro %}
