with tickets as (
    select * from {{ unioned('tickets') }}
),

versioned as (
    select * exclude (email) replace ({{ profile_or_mailbox() }} as profile_key) from tickets
)

select * from versioned
