{#- The landed object in which a source delivers a kind of event. -#}
{% macro feed_object(source, event) -%}
    case
        when {{ event }} = 'order' then 'orders'
        when {{ event }} = 'ticket' then 'tickets'
        when {{ source }} = 'shopify' then 'customers'
        when {{ source }} = 'hubspot' then 'contacts'
        when {{ source }} = 'mailchimp' then 'members'
        when {{ source }} = 'klaviyo' and {{ event }} = 'consent' then 'profiles'
        when {{ source }} <> 'plain' then 'events'
        when {{ event }} = 'consent' then 'consents'
        when {{ event }} = lower({{ event }}) then 'email_events'
        else 'web_events'
    end
{%- endmacro %}
