{{ config(enabled=is_enabled('shopify')) }}

with landed as (
    select * from {{ landing_rows('shopify', 'customers') }}
),

typed as (
    select
        landed_on, file, row_number, raw, is_parsed,
        id as row_key,
        id as customer_id,
        {{ address('email') }},
        {{ normalise_phone('phone', 'country') }} as phone,
        {{ normalise_name('coalesce(first_name, address_first_name)') }} as first_name,
        {{ normalise_name('coalesce(last_name, address_last_name)') }} as last_name,
        company,
        address,
        postcode,
        city,
        {{ normalise_country('country') }} as country,
        state,
        tags,
        coalesce(
            lower(consent_state),
            case try_cast(accepts_marketing as boolean) when true then 'subscribed' when false then 'not_subscribed' end
        ) as consent_state,
        lower(consent_opt_in_level) as consent_opt_in_level,
        {{ instant('consent_at', 'case when consent_state is null then accepts_marketing_updated_at else consent_updated_at end', zone='UTC') }},
        {{ instant('created_at', zone='UTC') }},
        {{ version_instant('updated_at', 'coalesce(updated_at, created_at)', zone='UTC') }}
    from landed
),

with_status as (
    {{ with_row_status('typed', [
        missing('customer_id'),
        impossible_time('created_at'),
        impossible_time('updated_at'),
        impossible_time('consent_at'),
        unknown_value('consent_state', ['subscribed', 'not_subscribed', 'unsubscribed', 'pending', 'invalid', 'redacted']),
    ], version_at='updated_at') }}
)

select * from with_status
