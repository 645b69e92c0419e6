{#- The salted hash under which a personal value (mailbox, phone, device) is known outside the profile tables. -#}
{% macro hash_identifier(value) -%}
    sha256('{{ env_var("HOLDFAST_SALT", "holdfast") }}:' || {{ value }})
{%- endmacro %}
