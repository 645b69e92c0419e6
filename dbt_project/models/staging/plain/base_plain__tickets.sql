-- depends_on: {{ source('plain', 'tickets') }}
with landed as (
    select * from {{ landing_rows('plain', 'tickets') }}
),

typed as (
    select
        landed_on,
        file,
        row_number,
        raw,
        is_parsed,
        ticket_id as row_key,
        ticket_id,
        profile_id,
        {{ normalise_email('email') }} as email,
        coalesce(lower(status), 'new') as status,
        lower(priority) as priority,
        lower(satisfaction) as satisfaction,
        {{ parse_instant('created_at') }} as created_at,
        created_at as created_at_text,
        {{ parse_instant('coalesce(updated_at, created_at)') }} as updated_at,
        updated_at as updated_at_text
    from landed
),

judged as (
    select
        * exclude (created_at_text, updated_at_text),
        {{ verdict([
            missing('ticket_id'),
            missing('created_at_text'),
            impossible_time('created_at'),
            impossible_time('updated_at'),
            unknown_value('status', ['new', 'open', 'pending', 'hold', 'solved', 'closed']),
        ]) }} as verdict
    from typed
),

with_status as (
    {{ with_row_status('judged', version_at='updated_at') }}
)

select * from with_status
