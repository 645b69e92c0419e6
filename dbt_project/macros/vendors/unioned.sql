{#- The rows of one entity from every enabled vendor that gives it, with their `source`. A vendor's model has the columns
    that it knows; the others are null. -#}
{% macro unioned(entity) -%}
    (
        select
            cast(null as varchar) as source
            {%- for column in entity_columns(entity) %},
            cast(null as {{ column.type }}) as {{ column.name }}
            {%- endfor %}
        where false
        {{ vendor_rows(entity) }}
    )
{%- endmacro %}

{#- Apart, so that a unit test of a union can put rows here without naming a vendor. -#}
{% macro vendor_rows(entity) -%}
    {%- for vendor, has in var('vendors').items() if entity in has.gives %}
        union all by name
        select '{{ vendor }}' as source, * from {{ ref('stg_' ~ vendor ~ '__' ~ entity) }}
    {%- endfor %}
{%- endmacro %}

{#- Whose row it is: the profile that the vendor names, else the mailbox; null when neither is known. -#}
{% macro profile_or_mailbox() -%}
    coalesce(profile_key, 'mailbox:' || {{ hash_identifier('email') }})
{%- endmacro %}
