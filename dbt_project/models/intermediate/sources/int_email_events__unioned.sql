with email_events as (
    select *, {{ hash_identifier('email') }} as mailbox_hash from {{ unioned('email_events') }}
),

unioned as (
    select
        * exclude (email),
        {{ business_day('occurred_at') }} as occurred_on,
        'mailbox:' || mailbox_hash as profile_key
    from email_events
)

select * from unioned
