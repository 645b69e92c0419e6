{{ config(enabled=is_enabled('zendesk')) }}

with landed as (
    select * from {{ landing_rows('zendesk', 'users') }}
),

typed as (
    select
        landed_on, file, row_number, raw, is_parsed,
        id as row_key,
        id as user_id,
        {{ address('email') }},
        {{ normalise_phone('phone') }} as phone,
        {{ normalise_name('name') }} as name,
        lower(role) as role,
        external_id,
        time_zone,
        {{ instant('created_at', zone='UTC') }},
        {{ version_instant('updated_at', 'coalesce(updated_at, created_at)', zone='UTC') }}
    from landed
),

with_status as (
    {{ with_row_status('typed', [
        missing('user_id'),
        missing('role'),
        impossible_time('created_at'),
        impossible_time('updated_at'),
    ], version_at='updated_at') }}
)

select * from with_status
