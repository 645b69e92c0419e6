{{ config(enabled=is_enabled('zendesk')) }}

with landed as (
    select * from {{ landing_rows('zendesk', 'tickets') }}
),

typed as (
    select
        landed_on, file, row_number, raw, is_parsed,
        id as row_key,
        id as ticket_id,
        requester_id,
        lower(status) as status,
        lower(priority) as priority,
        lower(satisfaction) as satisfaction,
        {{ instant('created_at', zone='UTC') }},
        {{ instant('updated_at', 'coalesce(updated_at, created_at)', zone='UTC') }}
    from landed
),

with_status as (
    {{ with_row_status('typed', [
        missing('ticket_id'),
        missing('created_at_text'),
        impossible_time('created_at'),
        impossible_time('updated_at'),
        missing('status'),
        unknown_value('status', ['new', 'open', 'pending', 'hold', 'solved', 'closed', 'deleted']),
    ], version_at='updated_at') }}
)

select * from with_status
