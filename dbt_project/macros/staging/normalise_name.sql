{#- A person's name in composed Unicode with single spaces; null when it only holds the place of one. -#}
{% macro normalise_name(text) -%}
    case
        when lower(trim({{ text }})) not in ('', '-', '--', '.', 'n/a', 'na', 'null', 'none', 'unknown', 'undefined', 'test')
            then trim(regexp_replace(nfc_normalize({{ text }}), '[\s\x{00A0}\x{200B}]+', ' ', 'g'))
    end
{%- endmacro %}
