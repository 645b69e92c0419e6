{#- Folds statements (statement, is_affirmative, occurred_at, evidence_id) to one consent status per scope.
    Only min() and max() are used, so no order of arrival can change the result: a restriction stands until a strictly
    newer affirmation by a person; an import, or a flag without an act, is no consent: where nobody restricted, the status is
    `imported`; a consent is confirmed if the person confirmed it after the last restriction; of several standing restrictions the gravest names the status. -#}
{% macro folded_consent(statements, scope) -%}
    (
        select
            {{ scope }},
            consent_status,
            deciding.evidence_id as consent_evidence_id,
            deciding.occurred_at as decided_at,
            coalesce(
                consent_status = 'subscribed' and confirmation.occurred_at
                > coalesce(greatest(complaint.occurred_at, bounce.occurred_at, unsubscription.occurred_at), timestamp '-infinity'),
                false
            ) as is_confirmed,
            first_affirmation.occurred_at as first_affirmed_at,
            first_affirmation.evidence_id as first_affirmed_evidence_id
        from (
            select *, case consent_status
                when 'complained' then complaint
                when 'bounced' then bounce
                when 'unsubscribed' then unsubscription
                when 'subscribed' then affirmation
                when 'imported' then import
                when 'pending' then pending
            end as deciding
            from (
                select *, case
                    when complaint.occurred_at >= coalesce(affirmation.occurred_at, complaint.occurred_at) then 'complained'
                    when bounce.occurred_at >= coalesce(affirmation.occurred_at, bounce.occurred_at) then 'bounced'
                    when unsubscription.occurred_at >= coalesce(affirmation.occurred_at, unsubscription.occurred_at)
                        then 'unsubscribed'
                    when affirmation is not null then 'subscribed'
                    when pending.occurred_at >= coalesce(import.occurred_at, pending.occurred_at) then 'pending'
                    when import is not null then 'imported'
                    else 'unknown'
                end as consent_status
                from (
                    select
                        {{ scope }},
                        max({{ statement_time() }}) filter (where statement = 'complained') as complaint,
                        max({{ statement_time() }}) filter (where statement = 'bounced') as bounce,
                        max({{ statement_time() }}) filter (where statement = 'unsubscribed') as unsubscription,
                        max({{ statement_time() }}) filter (where statement = 'pending') as pending,
                        max({{ statement_time() }}) filter (
                            where statement in ('subscribed', 'confirmed') and not is_affirmative
                        ) as import,
                        max({{ statement_time() }}) filter (
                            where statement in ('subscribed', 'confirmed') and is_affirmative
                        ) as affirmation,
                        max({{ statement_time() }}) filter (where statement = 'confirmed' and is_affirmative) as confirmation,
                        min({{ statement_time() }}) filter (
                            where statement in ('subscribed', 'confirmed') and is_affirmative
                        ) as first_affirmation
                    from {{ statements }}
                    group by {{ scope }}
                ) as latest
            ) as decided
        ) as explained
    )
{%- endmacro %}

{#- A statement with what it says and who says it, sorted the same way. -#}
{% macro named_statement() -%}
    struct_pack(
        occurred_at := occurred_at, evidence_id := evidence_id, statement := statement, source := source,
        is_affirmative := is_affirmative
    )
{%- endmacro %}

{#- A statement as a value that sorts by its time, equal times by its id. -#}
{% macro statement_time() -%}
    struct_pack(occurred_at := occurred_at, evidence_id := evidence_id)
{%- endmacro %}
