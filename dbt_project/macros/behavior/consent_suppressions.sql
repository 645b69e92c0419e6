{#- Mailboxes, and persons through any of their mailboxes, whom one consent status closes. -#}
{% macro consent_suppressions(status, reason) -%}
with mailboxes as (
    select * from {{ ref('mailbox_consent') }} where {{ in_window('as_of') }} and consent_status = '{{ status }}'
),

customers as (
    select * from {{ ref('int_customer_consent__folded') }}
    where {{ in_window('as_of') }} and consent_status = '{{ status }}'
),

suppressed as (
    select
        as_of, 'mailbox' as scope, cast(null as varchar) as customer_id, mailbox_hash, '{{ reason }}' as reason,
        decided_at as starts_at, cast(null as timestamp) as expires_at, consent_evidence_id as evidence
    from mailboxes
    union all
    select
        as_of, 'person' as scope, customer_id, cast(null as varchar) as mailbox_hash, '{{ reason }}' as reason,
        decided_at as starts_at, cast(null as timestamp) as expires_at, consent_evidence_id as evidence
    from customers
)

select * from suppressed
{%- endmacro %}
