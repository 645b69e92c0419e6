{#- The landed object in which a source delivers a kind of event. -#}
{% macro feed_object(source, event) -%}
    case
        when {{ event }} in ('order', 'renewal') then 'orders'
        when {{ event }} = 'ticket' then 'tickets'
        when {{ event }} = 'consent' then
            case {{ source }}
                when 'plain' then 'consents'
                when 'shopify' then 'customers'
                when 'hubspot' then 'contacts'
                when 'klaviyo' then 'profiles'
                when 'mailchimp' then 'members'
                else 'events'
            end
        when {{ source }} <> 'plain' then 'events'
        when {{ event }} = lower({{ event }}) then 'email_events'
        else 'web_events'
    end
{%- endmacro %}
