{#- Every landed row of the window, of every object that the enabled vendors land, with its row_status. -#}
{% macro judged_rows() -%}
    (
        {%- set objects = [] -%}
        {%- for vendor, has in var('vendors').items() -%}
            {%- for object in has.reads -%}{%- do objects.append((vendor, object)) -%}{%- endfor -%}
        {%- endfor -%}
        {%- for vendor, object in objects %}
        select '{{ vendor }}/{{ object }}' as source, landed_on, file, row_number, row_status, rule, message, raw
        from {{ ref('base_' ~ vendor ~ '__' ~ object) }}
        where {{ in_window('landed_on') }}
        {{- ' union all' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}
