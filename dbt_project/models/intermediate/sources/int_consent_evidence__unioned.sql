with shopify_customers as (
    select * from {{ ref('stg_shopify__customers') }}
    where {{ in_window('landed_on') }} and consent_state in ('subscribed', 'unsubscribed', 'pending')
),

sign_ups as (
    select * from {{ ref('stg_segment__events') }}
    where {{ in_window('landed_on') }} and event = 'Signed Up' and has_opted_in
),

email_events as (
    select * from {{ ref('int_email_events__unioned') }}
    where {{ in_window('landed_on') }} and event in ('unsubscribed', 'resubscribed', 'complained', 'bounced')
),

consents as (
    select * from {{ ref('stg_plain__consents') }} where {{ in_window('landed_on') }}
),

unioned as (
    select
        'shopify:' || md5(
            concat_ws(':', customer_id, email, consent_state, coalesce(consent_at, updated_at))
        ) as evidence_id,
        'shopify' as source,
        landed_on,
        {{ hash_identifier('email') }} as mailbox_hash,
        'email' as channel,
        cast(null as varchar) as topic,
        consent_state as statement,
        consent_state = 'subscribed' and consent_at is not null as is_affirmative,
        coalesce(consent_at, updated_at) as occurred_at
    from shopify_customers
    union all
    select
        'segment:' || message_id as evidence_id, 'segment' as source, landed_on,
        {{ hash_identifier('email') }} as mailbox_hash, 'email' as channel, null as topic, 'subscribed' as statement,
        true as is_affirmative, occurred_at
    from sign_ups
    union all
    select
        event_key as evidence_id,
        source,
        landed_on,
        mailbox_hash,
        'email' as channel,
        null as topic,
        case when event = 'resubscribed' then 'subscribed' else event end as statement,
        event = 'resubscribed' as is_affirmative,
        occurred_at
    from email_events
    union all
    select
        'plain:consent:' || evidence_id as evidence_id,
        'plain' as source,
        landed_on,
        {{ hash_identifier('email') }} as mailbox_hash,
        channel,
        topic,
        statement,
        statement in ('subscribed', 'confirmed') and source is distinct from 'import' as is_affirmative,
        stated_at as occurred_at
    from consents
),

addressed as (
    select *, row_number() over (partition by evidence_id order by landed_on) as landing_number
    from unioned
    where mailbox_hash is not null
),

first_landed as (
    select * exclude (landing_number)
    from addressed
    where landing_number = 1
        {%- if is_incremental() %}
        and evidence_id not in (select known.evidence_id from {{ this }} as known where known.landed_on < {{ window_start() }})
        {%- endif %}
)

select * from first_landed
