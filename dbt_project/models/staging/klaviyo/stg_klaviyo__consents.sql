{{ config(materialized='ephemeral', enabled=is_enabled('klaviyo')) }}

with persons as (
    select * from {{ ref('base_klaviyo__profiles') }} where {{ is_staged() }} and email is not null
),

suppressed as (
    select *, unnest(json_extract(suppressions, '$[*]')) as suppression from persons
),

statements as (
    select
        landed_on,
        person_id,
        email,
        case when consent = 'subscribed' and is_double_opt_in then 'confirmed' else consent end as statement,
        coalesce(consent = 'subscribed' and consent_at is not null and consent_method not like '%import%', false)
            as is_affirmative,
        coalesce(consent_at, updated_at) as occurred_at
    from persons
    where consent in ('subscribed', 'unsubscribed')
    union all
    select
        landed_on,
        person_id,
        email,
        case json_extract_string(suppression, '$.reason')
            when 'HARD_BOUNCE' then 'bounced'
            when 'INVALID_EMAIL' then 'bounced'
            when 'SPAM_COMPLAINT' then 'complained'
            else 'unsubscribed'
        end as statement,
        false as is_affirmative,
        coalesce({{ parse_instant("json_extract_string(suppression, '$.timestamp')", zone='UTC') }}, updated_at) as occurred_at
    from suppressed
),

consents as (
    select
        landed_on,
        'klaviyo:' || md5(concat_ws(':', person_id, email, statement, occurred_at)) as evidence_id,
        email,
        'email' as channel,
        statement,
        is_affirmative,
        occurred_at
    from statements
)

select * from consents
