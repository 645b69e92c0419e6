{#- A phone number in E.164, read in the country of whoever gave it; its digits where no country is known, null when there
    are fewer than seven. A number in E.164 already is left to SQL; any other asks orchestration/normalise.py. -#}
{% macro normalise_phone(text, country='null') -%}
    case
        when regexp_full_match({{ text }}, '\+[1-9][0-9]{6,14}') then {{ text }}
        when {{ text }} is not null then phone_of({{ text }}, cast({{ country }} as varchar))
    end
{%- endmacro %}
