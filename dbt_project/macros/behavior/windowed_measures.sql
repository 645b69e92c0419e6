{#- What a customer's features count over the last days, and over how many: the only place that says so, and every measure has
    every span. `value` is what a row of state adds, in units of which `per` make one; `<name>_<span>` is its sum over the last
    `span` days, as_of included. -#}
{% macro windowed_spans() %}
    {{ return([7, 28, 90, 365]) }}
{% endmacro %}

{% macro windowed_measures(part) %}
    {{ return({
        'orders': [
            {'name': 'order_days', 'value': 'is_order_day', 'per': 1, 'type': 'integer'},
            {'name': 'net_amount', 'value': 'net_cents', 'per': 100, 'type': 'double'},
        ],
        'web': [
            {'name': 'product_views', 'value': 'product_views', 'per': 1, 'type': 'integer'},
            {'name': 'carts', 'value': 'carts', 'per': 1, 'type': 'integer'},
            {'name': 'checkouts', 'value': 'checkouts', 'per': 1, 'type': 'integer'},
        ],
        'emails': [
            {'name': 'emails_delivered', 'value': 'delivered', 'per': 1, 'type': 'integer'},
            {'name': 'human_opens', 'value': 'human_opens', 'per': 1, 'type': 'integer'},
            {'name': 'human_clicks', 'value': 'human_clicks', 'per': 1, 'type': 'integer'},
        ],
        'tickets': [
            {'name': 'tickets_opened', 'value': 'tickets_opened', 'per': 1, 'type': 'integer'},
            {'name': 'tickets_rated_badly', 'value': 'tickets_rated_badly', 'per': 1, 'type': 'integer'},
        ],
    }[part]) }}
{% endmacro %}

{#- Which spans hold a day, seen from as_of, as columns of a query: in_<span> is 1 or 0. Doubles, because whole numbers add up
    in them exactly and in half the time. -#}
{% macro window_marks(day) -%}
    {%- for span in windowed_spans() %}
    cast({{ day }} > as_of - {{ span }} as double) as in_{{ span }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- The sums as columns of a query over rows of state with these marks and what the measures need. -#}
{% macro windowed_sums(part) -%}
    {%- for measure in windowed_measures(part) %}
    {%- for span in windowed_spans() %}
    sum({{ measure.value }} * in_{{ span }}) / {{ measure.per }} as {{ measure.name }}_{{ span }},
    {%- endfor %}
    {%- endfor %}
{%- endmacro %}

{#- The same columns of a relation that may lack the customer: nothing known is 0. -#}
{% macro windowed_columns(part) -%}
    {%- for measure in windowed_measures(part) %}
    {%- for span in windowed_spans() %}
    cast(coalesce({{ part }}.{{ measure.name }}_{{ span }}, 0) as {{ measure.type }}) as {{ measure.name }}_{{ span }},
    {%- endfor %}
    {%- endfor %}
{%- endmacro %}
