{{ config(enabled=is_enabled('plain')) }}

with landed as (
    select * from {{ landing_rows('plain', 'profiles') }}
),

typed as (
    select
        landed_on, file, row_number, raw, is_parsed,
        profile_id as row_key,
        profile_id,
        {{ address('email') }},
        {{ normalise_phone('phone', 'country') }} as phone,
        user_id,
        {{ normalise_name('first_name') }} as first_name,
        {{ normalise_name('last_name') }} as last_name,
        date_of_birth,
        address,
        postcode,
        city,
        region,
        {{ normalise_country('country') }} as country,
        company,
        timezone,
        {{ instant('created_at') }},
        {{ version_instant('updated_at', 'coalesce(updated_at, created_at)') }}
    from landed
),

with_status as (
    {{ with_row_status('typed', [
        missing('profile_id'),
        impossible_time('created_at'),
        impossible_time('updated_at'),
    ], version_at='updated_at') }}
)

select * from with_status
