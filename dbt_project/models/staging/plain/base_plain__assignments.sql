-- depends_on: {{ source('plain', 'assignments') }}
with landed as (
    select * from {{ landing_rows('plain', 'assignments') }}
),

typed as (
    select
        landed_on,
        file,
        row_number,
        raw,
        is_parsed,
        concat_ws(chr(31), experiment, coalesce('profile:' || profile_id, 'email:' || lower(email))) as row_key,
        experiment,
        profile_id,
        {{ normalise_email('email') }} as email,
        coalesce(profile_id, email) as profile_id_or_email,
        arm,
        {{ parse_instant('assigned_at') }} as assigned_at,
        assigned_at as assigned_at_text,
        try_cast(planned_share as double) as planned_share,
        planned_share as planned_share_text,
        {{ parse_instant('exposed_at') }} as exposed_at,
        exposed_at as exposed_at_text,
        {{ parse_instant('ghost_at') }} as ghost_at,
        ghost_at as ghost_at_text
    from landed
),

judged as (
    select
        * exclude (profile_id_or_email, assigned_at_text, planned_share_text, exposed_at_text, ghost_at_text),
        {{ verdict([
            missing('experiment'),
            missing('profile_id_or_email'),
            missing('arm'),
            missing('assigned_at_text'),
            impossible_time('assigned_at'),
            impossible_time('exposed_at'),
            impossible_time('ghost_at'),
            no_number('planned_share'),
        ]) }} as verdict
    from typed
),

with_status as (
    {{ with_row_status('judged') }}
)

select * from with_status
