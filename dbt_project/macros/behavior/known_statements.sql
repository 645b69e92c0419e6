{#- The email statements known on each partition day of the window. One that restricts counts from its landing; one that
    permits only once its own time has come, or a wrong clock would outlive every later unsubscribe. -#}
{% macro known_statements() -%}
    (
        select
            days.as_of,
            evidence.mailbox_hash,
            evidence.statement,
            evidence.is_affirmative,
            evidence.occurred_at,
            evidence.evidence_id
        from {{ as_of_days() }} as days
        inner join {{ ref('int_consent_evidence__unioned') }} as evidence on evidence.landed_on <= days.as_of
        where coalesce(evidence.channel, 'email') = 'email'
            and (not evidence.is_affirmative or {{ business_day('evidence.occurred_at') }} <= days.as_of)
    )
{%- endmacro %}
