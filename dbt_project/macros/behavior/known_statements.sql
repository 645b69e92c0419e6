{#- The email statements known on each partition day of the window. One that restricts counts from its landing; one that
    permits only once its own time has come, or a wrong clock would outlive every later unsubscribe.
    A statement about one topic is about that topic only (topics=true gives those, with the playbook's name of it); but one
    that restricts a topic that the playbook does not know restricts all, and one that permits such a topic permits nothing. -#}
{% macro known_statements(topics=false) -%}
    (
        select
            days.as_of,
            evidence.mailbox_hash,
            {%- if topics %}
            topics.topic,
            {%- endif %}
            evidence.source,
            evidence.statement,
            evidence.is_affirmative,
            evidence.occurred_at,
            evidence.evidence_id
        from {{ as_of_days() }} as days
        inner join {{ ref('int_consent_evidence__unioned') }} as evidence on evidence.landed_on <= days.as_of
        left join {{ source('ops', 'consent_topics') }} as topics
            on days.as_of = topics.as_of and lower(evidence.topic) = topics.written
        where coalesce(evidence.channel, 'email') = 'email'
            and (not evidence.is_affirmative or {{ business_day('evidence.occurred_at') }} <= days.as_of)
            {%- if topics %}
            and topics.topic is not null
            {%- else %}
            and (
                evidence.topic is null
                or (topics.written is not null and topics.topic is null)
                or (topics.topic is null and evidence.statement in ('unsubscribed', 'complained', 'bounced'))
            )
            {%- endif %}
    )
{%- endmacro %}
