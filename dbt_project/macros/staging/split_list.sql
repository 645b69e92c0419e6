{#- The trimmed parts of a text that lists values with `;` between them; an empty list for none. -#}
{% macro split_list(text) -%}
    list_filter(list_transform(string_split(coalesce({{ text }}, ''), ';'), lambda part: trim(part)), lambda part: part <> '')
{%- endmacro %}
