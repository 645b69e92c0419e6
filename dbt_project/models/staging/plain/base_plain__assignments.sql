{{ config(enabled=is_enabled('plain')) }}

with landed as (
    select * from {{ landing_rows('plain', 'assignments') }}
),

typed as (
    select
        landed_on, file, row_number, raw, is_parsed,
        concat_ws(chr(31), experiment, coalesce('profile:' || profile_id, 'email:' || lower(email))) as row_key,
        experiment,
        profile_id,
        {{ address('email') }},
        coalesce(profile_id, email) as profile_id_or_email,
        arm,
        {{ instant('assigned_at') }},
        {{ number('planned_share', 'double') }},
        {{ instant('exposed_at') }},
        {{ instant('ghost_at') }}
    from landed
),

with_status as (
    {{ with_row_status('typed', [
        missing('experiment'),
        missing('profile_id_or_email'),
        missing('arm'),
        missing('assigned_at_text'),
        impossible_time('assigned_at'),
        impossible_time('exposed_at'),
        impossible_time('ghost_at'),
        no_number('planned_share'),
    ]) }}
)

select * from with_status
