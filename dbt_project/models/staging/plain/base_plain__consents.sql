-- depends_on: {{ source('plain', 'consents') }}
with landed as (
    select * from {{ landing_rows('plain', 'consents') }}
),

typed as (
    select
        landed_on,
        file,
        row_number,
        raw,
        is_parsed,
        evidence_id as row_key,
        evidence_id,
        {{ normalise_email('email') }} as email,
        email as email_text,
        coalesce(lower(channel), 'email') as channel,
        lower(statement) as statement,
        {{ parse_instant('stated_at') }} as stated_at,
        stated_at as stated_at_text,
        topic,
        legal_basis,
        lower(source) as source
    from landed
),

judged as (
    select
        * exclude (email_text, stated_at_text),
        {{ verdict([
            missing('evidence_id'),
            missing('email_text'),
            missing('statement'),
            unknown_value('statement', ['subscribed', 'confirmed', 'pending', 'unsubscribed', 'complained', 'bounced']),
            missing('stated_at_text'),
            impossible_time('stated_at'),
        ]) }} as verdict
    from typed
),

with_status as (
    {{ with_row_status('judged') }}
)

select * from with_status
