{#- Every landed row of the window, of every object that is read, with its row_status. -#}
{% macro judged_rows() -%}
    (
        {%- for vendor, object in [
            ('shopify', 'customers'), ('shopify', 'orders'), ('shopify', 'products'), ('segment', 'events'),
            ('sendgrid', 'events'), ('plain', 'profiles'), ('plain', 'orders'), ('plain', 'order_lines'),
            ('plain', 'web_events'), ('plain', 'email_events'), ('plain', 'tickets'), ('plain', 'consents'),
            ('plain', 'products'), ('plain', 'assignments')
        ] %}
        select '{{ vendor }}/{{ object }}' as source, landed_on, file, row_number, row_status, rule, message, raw
        from {{ ref('base_' ~ vendor ~ '__' ~ object) }}
        where {{ in_window('landed_on') }}
        {{- ' union all' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}
