{#- Who runs the mailboxes of a domain, as far as deliverability cares: the four that most people are at, or elsewhere. -#}
{% macro mailbox_provider(domain) -%}
    case
        when {{ domain }} is null then null
        when {{ domain }} in ('gmail.com', 'googlemail.com') then 'mailbox_at_gmail'
        when {{ domain }} in ('outlook.com', 'hotmail.com', 'live.com', 'msn.com') then 'mailbox_at_microsoft'
        when {{ domain }} in ('icloud.com', 'me.com', 'mac.com') then 'mailbox_at_apple'
        when split_part({{ domain }}, '.', 1) in ('yahoo', 'ymail', 'rocketmail', 'aol') then 'mailbox_at_yahoo'
        else 'mailbox_elsewhere'
    end
{%- endmacro %}
