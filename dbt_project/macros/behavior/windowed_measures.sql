{#- What a customer's features count over the last days, and over how many: the only place that says so. `value` is what a row of
    state adds; `<name>_<span>` is its sum over the last `span` days, as_of included. -#}
{% macro windowed_measures(part) %}
    {{ return({
        'orders': [
            {'name': 'order_days', 'value': 'cast(net_amount > 0 as integer)', 'spans': [30, 90, 365], 'type': 'integer'},
            {'name': 'net_amount', 'value': 'net_amount', 'spans': [30, 90, 365], 'type': 'double'},
        ],
        'web': [
            {'name': 'product_views', 'value': 'product_views', 'spans': [7, 28, 90], 'type': 'integer'},
            {'name': 'carts', 'value': 'carts', 'spans': [28], 'type': 'integer'},
            {'name': 'checkouts', 'value': 'checkouts', 'spans': [28], 'type': 'integer'},
        ],
        'emails': [
            {'name': 'emails_delivered', 'value': 'delivered', 'spans': [28], 'type': 'integer'},
            {'name': 'human_opens', 'value': 'human_opens', 'spans': [28], 'type': 'integer'},
            {'name': 'human_clicks', 'value': 'human_clicks', 'spans': [28, 90], 'type': 'integer'},
        ],
    }[part]) }}
{% endmacro %}

{#- The sums as columns of a query over rows of state with as_of, occurred_on and what the measures need. -#}
{% macro windowed_sums(part) -%}
    {%- for measure in windowed_measures(part) %}
    {%- for span in measure.spans %}
    sum({{ measure.value }}) filter (where occurred_on > as_of - {{ span }}) as {{ measure.name }}_{{ span }},
    {%- endfor %}
    {%- endfor %}
{%- endmacro %}

{#- The same columns of a relation that may lack the customer: nothing known is 0. -#}
{% macro windowed_columns(part) -%}
    {%- for measure in windowed_measures(part) %}
    {%- for span in measure.spans %}
    cast(coalesce({{ part }}.{{ measure.name }}_{{ span }}, 0) as {{ measure.type }}) as {{ measure.name }}_{{ span }},
    {%- endfor %}
    {%- endfor %}
{%- endmacro %}
