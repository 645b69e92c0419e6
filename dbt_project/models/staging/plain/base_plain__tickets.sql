{{ config(enabled=is_enabled('plain')) }}

with landed as (
    select * from {{ landing_rows('plain', 'tickets') }}
),

typed as (
    select
        landed_on, file, row_number, raw, is_parsed,
        ticket_id as row_key,
        ticket_id,
        profile_id,
        {{ address('email') }},
        coalesce(lower(status), 'new') as status,
        lower(priority) as priority,
        lower(satisfaction) as satisfaction,
        {{ instant('created_at') }},
        {{ instant('updated_at', 'coalesce(updated_at, created_at)') }}
    from landed
),

with_status as (
    {{ with_row_status('typed', [
        missing('ticket_id'),
        missing('created_at_text'),
        impossible_time('created_at'),
        impossible_time('updated_at'),
        unknown_value('status', ['new', 'open', 'pending', 'hold', 'solved', 'closed']),
    ], version_at='updated_at') }}
)

select * from with_status
