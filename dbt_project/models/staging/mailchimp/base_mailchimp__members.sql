{{ config(enabled=is_enabled('mailchimp')) }}

with landed as (
    select * from {{ landing_rows('mailchimp', 'members') }}
),

typed as (
    select
        landed_on, file, row_number, raw, is_parsed,
        concat_ws(chr(31), list_id, coalesce(unique_email_id, id)) as row_key,
        coalesce(unique_email_id, id) as member_id,
        {{ address('email') }},
        {{ normalise_phone('phone', 'country') }} as phone,
        {{ normalise_name('first_name') }} as first_name,
        {{ normalise_name('last_name') }} as last_name,
        {{ normalise_country('country') }} as country,
        timezone,
        -- An audience export says the status by its files only: subscribed_..., unsubscribed_..., cleaned_...
        coalesce(lower(status), case
            when unsubscribed_at is not null then 'unsubscribed'
            when cleaned_at is not null then 'cleaned'
            else regexp_extract(lower(file), '/(unsubscribed|subscribed|cleaned)[^/]*$', 1)
        end) as status,
        {{ instant('signup_at', zone='UTC') }},
        signup_ip is not null as is_own_signup,
        {{ instant('confirmed_at', zone='UTC') }},
        confirmed_ip is not null as is_own_confirmation,
        {{ instant('unsubscribed_at', zone='UTC') }},
        {{ instant('cleaned_at', zone='UTC') }},
        {{ version_instant('updated_at', 'coalesce(last_changed, unsubscribed_at, cleaned_at, confirmed_at, signup_at)', zone='UTC') }}
    from landed
),

with_status as (
    {{ with_row_status('typed', [
        missing('member_id'),
        unknown_value('status', ['subscribed', 'unsubscribed', 'cleaned', 'pending', 'transactional', 'archived']),
        impossible_time('signup_at'),
        impossible_time('confirmed_at'),
        impossible_time('unsubscribed_at'),
        impossible_time('cleaned_at'),
        impossible_time('updated_at'),
    ], version_at='updated_at') }}
)

select * from with_status
