with web_events as (
    select * from {{ unioned('web_events') }}
),

unioned as (
    select
        * exclude (email) replace (
            {{ profile_or_mailbox() }} as profile_key,
            coalesce(received_at, occurred_at) as received_at
        ),
        {{ business_day('occurred_at') }} as occurred_on
    from web_events
)

select * from unioned
