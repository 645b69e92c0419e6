{#- The account of a domain or a company's name: a hash, as dim_customers.account_id has it. -#}
{% macro account_key(name) -%}
    'a_' || substr(sha256({{ name }}), 1, 16)
{%- endmacro %}
