{#- Epoch seconds as a naive UTC timestamp; null when the text is no whole number. -#}
{% macro parse_epoch(text) -%}
    make_timestamp(try_cast({{ text }} as bigint) * 1000000)
{%- endmacro %}
