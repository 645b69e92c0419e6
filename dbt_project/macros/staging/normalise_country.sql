{#- A country as its ISO 3166 alpha-2 code; null when the text is no country's code or English name. -#}
{% macro normalise_country(text) -%}
    case
        when regexp_full_match({{ text }}, '[A-Z]{2}') and {{ text }} <> 'UK' then {{ text }}
        when {{ text }} is not null then country_of({{ text }})
    end
{%- endmacro %}
