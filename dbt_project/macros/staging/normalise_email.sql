{#- A mailbox's address: trimmed, lower case, without the domain's trailing dots, the domain in ASCII; null when it cannot be one.
    A text in that form already is left to SQL; any other asks orchestration/normalise.py. The address that is sent to is
    this one: no rule of a provider (dots, tags) touches it. -#}
{% macro normalise_email(text) -%}
    case
        when regexp_full_match(
            {{ text }},
            '[!#-\''*+./-9=?^-~-]{1,64}@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])'
        ) and length({{ text }}) <= 254 then {{ text }}
        when {{ text }} is not null then address_of({{ text }})
    end
{%- endmacro %}

{#- An address beside the class of fault for which a text is none: such a text is kept where it landed and never sent to. -#}
{% macro address(column, text=none) -%}
    {%- set text = text or column -%}
    {{ normalise_email(text) }} as {{ column }},
        case
            when {{ text }} is null or {{ normalise_email(text) }} is not null then null
            when regexp_full_match({{ text }}, '([0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64})') then 'hashed'
            when not contains({{ text }}, '@') then 'no_at_sign'
            when regexp_matches({{ text }}, '[<>]') then 'display_name'
            when regexp_matches({{ text }}, '@.*@|[,;]') then 'several_addresses'
            when regexp_matches(trim({{ text }}), '\s') then 'inner_space'
            when regexp_matches(split_part({{ text }}, '@', 1), '[^\x00-\x7F]') then 'not_ascii'
            when length({{ text }}) > 254 or strpos({{ text }}, '@') > 65 then 'too_long'
            when not contains(rtrim(split_part({{ text }}, '@', 2), '.'), '.') then 'no_domain'
            else 'malformed'
        end as {{ column }}_fault
{%- endmacro %}
