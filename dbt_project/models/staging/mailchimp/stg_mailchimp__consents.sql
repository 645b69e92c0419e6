{{ config(materialized='ephemeral', enabled=is_enabled('mailchimp')) }}

with members as (
    select * from {{ ref('base_mailchimp__members') }}
    where {{ is_staged() }} and status in ('subscribed', 'unsubscribed', 'cleaned', 'pending')
),

-- A sign-up that bears the visitor's own IP is the person's act; one without came from an import.
statements as (
    select
        *,
        case
            when status = 'cleaned' then 'bounced'
            when status = 'subscribed' and is_own_confirmation and confirmed_at > signup_at then 'confirmed'
            else status
        end as statement,
        status = 'subscribed' and (is_own_signup or is_own_confirmation) as is_affirmative,
        coalesce(
            case status
                when 'unsubscribed' then unsubscribed_at
                when 'cleaned' then cleaned_at
                when 'subscribed' then coalesce(confirmed_at, signup_at)
            end,
            updated_at
        ) as occurred_at
    from members
),

consents as (
    select
        landed_on,
        'mailchimp:' || md5(concat_ws(':', row_key, email, statement, occurred_at)) as evidence_id,
        email,
        'email' as channel,
        statement,
        is_affirmative,
        occurred_at
    from statements
)

select * from consents
