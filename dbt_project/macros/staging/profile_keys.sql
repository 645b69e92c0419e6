{#- Whose record it is: the user, else the device, else the mailbox; null when nothing is known. -#}
{% macro segment_profile_key() -%}
    case
        when user_id is not null then 'segment:user:' || user_id
        when anonymous_id is not null then 'segment:anon:' || anonymous_id
        else 'mailbox:' || {{ hash_identifier('email') }}
    end
{%- endmacro %}

{% macro plain_profile_key() -%}
    case
        when profile_id is not null then 'plain:' || profile_id
        when anonymous_id is not null then 'plain:anon:' || anonymous_id
        else 'mailbox:' || {{ hash_identifier('email') }}
    end
{%- endmacro %}
