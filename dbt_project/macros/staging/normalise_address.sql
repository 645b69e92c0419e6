{#- A street and its postcode in one spelling: lower case, no accents or punctuation, "street" and "Straße" cut to "st"; null
    without either. Only for comparing: what is sent to a person says it as it landed. -#}
{% macro normalise_address(street, postcode) -%}
    nullif(
        trim(regexp_replace(
            regexp_replace(strip_accents(lower({{ street }})), '[^\p{L}\p{N}]+', ' ', 'g'), '(strasse|straße|street|str)\b', 'st', 'g'
        )), ''
    )
    || '|' || nullif(regexp_replace(lower({{ postcode }}), '[^\p{L}\p{N}]+', '', 'g'), '')
{%- endmacro %}
