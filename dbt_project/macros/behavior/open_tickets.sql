{#- The support tickets of each customer that were open in their newest version landed by each day. -#}
{% macro open_tickets(days) -%}
    (
        select resolved.as_of, resolved.customer_id, tickets.ticket_key, tickets.created_at
        from {{ versions_as_of(ref('int_tickets__versioned'), 'ticket_key', days) }} as tickets
        inner join {{ resolved_profiles(days) }} as resolved
            on tickets.as_of = resolved.as_of and tickets.profile_key = resolved.profile_key
        where tickets.status in ('new', 'open', 'pending', 'hold')
    )
{%- endmacro %}
