with consents as (
    select * exclude (email), {{ hash_identifier('email') }} as mailbox_hash from {{ unioned('consents') }}
),

email_events as (
    select * from {{ ref('int_email_events__unioned') }}
    where {{ in_window('landed_on') }} and event in ('unsubscribed', 'resubscribed', 'complained', 'bounced')
),

statements as (
    select * from consents
    union all by name
    select
        event_key as evidence_id,
        source,
        landed_on,
        mailbox_hash,
        'email' as channel,
        case when event = 'resubscribed' then 'subscribed' else event end as statement,
        event = 'resubscribed' as is_affirmative,
        occurred_at
    from email_events
),

addressed as (
    select *, row_number() over (partition by evidence_id order by landed_on) as landing_number
    from statements
    where mailbox_hash is not null
),

unioned as (
    select * exclude (landing_number)
    from addressed
    where landing_number = 1
        {%- if is_incremental() %}
        and evidence_id not in (select known.evidence_id from {{ this }} as known where known.landed_on < {{ window_start() }})
        {%- endif %}
)

select * from unioned
