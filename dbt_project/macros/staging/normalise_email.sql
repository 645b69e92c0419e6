{#- A mailbox's address: trimmed and lower case; null when it cannot be an address. -#}
{% macro normalise_email(text) -%}
    case
        when regexp_matches(trim({{ text }}), '^[^@\s,;<>"]+@[^@\s,;<>"]+\.[^@\s,;<>".]+$') then lower(trim({{ text }}))
    end
{%- endmacro %}
