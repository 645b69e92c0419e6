with assignments as (
    select * from {{ unioned('assignments') }}
),

recorded as (
    select
        experiment,
        {{ profile_or_mailbox() }} as profile_key,
        landed_on,
        arm,
        planned_share,
        assigned_at,
        exposed_at,
        ghost_at
    from assignments
)

select * from recorded
