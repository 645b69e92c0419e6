{#- A phone number's digits with its leading plus; null when there are fewer than seven. -#}
{% macro normalise_phone(text) -%}
    case
        when length(regexp_replace({{ text }}, '[^0-9]', '', 'g')) >= 7
            then case when ltrim({{ text }}, ' ''') like '+%' then '+' else '' end
                || regexp_replace({{ text }}, '[^0-9]', '', 'g')
    end
{%- endmacro %}
