{{ config(enabled=is_enabled('klaviyo')) }}

with landed as (
    select * from {{ landing_rows('klaviyo', 'profiles') }}
),

typed as (
    select
        landed_on, file, row_number, raw, is_parsed,
        id as row_key,
        id as person_id,
        {{ address('email') }},
        {{ normalise_phone('phone', 'country') }} as phone,
        external_id,
        {{ normalise_name('first_name') }} as first_name,
        {{ normalise_name('last_name') }} as last_name,
        organization as company,
        address,
        postcode,
        city,
        {{ normalise_country('country') }} as country,
        timezone,
        lower(consent) as consent,
        {{ instant('consent_at', zone='UTC') }},
        lower(consent_method) as consent_method,
        {{ flag('double_optin') }} as is_double_opt_in,
        suppressions,
        {{ flag('is_deleted') }} as is_deleted,
        {{ instant('created_at', 'created', zone='UTC') }},
        {{ version_instant('updated_at', 'coalesce(updated, created)', zone='UTC') }}
    from landed
),

with_status as (
    {{ with_row_status('typed', [
        missing('person_id'),
        impossible_time('created_at'),
        impossible_time('updated_at'),
        impossible_time('consent_at'),
        unknown_value('consent', ['subscribed', 'unsubscribed', 'never_subscribed']),
    ], version_at='updated_at') }}
)

select * from with_status
