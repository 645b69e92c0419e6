{#- The landed object in which a source delivers a kind of event. -#}
{% macro feed_object(source, event) -%}
    case
        when {{ event }} = 'order' then 'orders'
        when {{ source }} = 'shopify' then 'customers'
        when {{ source }} <> 'plain' then 'events'
        when {{ event }} = 'consent' then 'consents'
        when {{ event }} = 'ticket' then 'tickets'
        when {{ event }} = lower({{ event }}) then 'email_events'
        else 'web_events'
    end
{%- endmacro %}
