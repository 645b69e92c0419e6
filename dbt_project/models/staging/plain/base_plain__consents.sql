{{ config(enabled=is_enabled('plain')) }}

with landed as (
    select * from {{ landing_rows('plain', 'consents') }}
),

typed as (
    select
        landed_on, file, row_number, raw, is_parsed,
        evidence_id as row_key,
        evidence_id,
        {{ address('email') }},
        email as email_text,
        coalesce(lower(channel), 'email') as channel,
        lower(statement) as statement,
        {{ instant('stated_at') }},
        topic,
        legal_basis,
        lower(source) as source
    from landed
),

with_status as (
    {{ with_row_status('typed', [
        missing('evidence_id'),
        missing('email_text'),
        missing('statement'),
        unknown_value('statement', ['subscribed', 'confirmed', 'pending', 'unsubscribed', 'complained', 'bounced']),
        missing('stated_at_text'),
        impossible_time('stated_at'),
    ]) }}
)

select * from with_status
