with assignments as (
    select * from {{ ref('int_assignments__recorded') }}
),

ledger as (
    select * from {{ source('state', 'send_ledger') }} where experiment is not null and kind in ('send', 'ghost')
),

own_assignments as (
    select * from {{ source('measurement', 'experiment_assignments') }} where {{ in_window('as_of') }}
),

entries as (
    select
        landed_on as visible_from, experiment, profile_key, arm, planned_share, ghost_at is not null as is_ghost,
        assigned_at, coalesce(exposed_at, ghost_at, assigned_at) as entered_at
    from assignments
    union all
    select
        send_date as visible_from, experiment, root_profile_key as profile_key, arm, null as planned_share,
        kind = 'ghost' as is_ghost, coalesce(send_at, released_at) as assigned_at,
        coalesce(send_at, released_at) as entered_at
    from ledger
),

resolved as (
    select
        resolved.as_of,
        resolved.customer_id,
        entries.*,
        row_number() over (
            partition by resolved.as_of, entries.experiment, resolved.customer_id
            order by entries.assigned_at, entries.entered_at, entries.arm, entries.profile_key
        ) as entry_number,
        min(entries.arm) over unit <> max(entries.arm) over unit as has_two_arms
    from {{ resolved_profiles(as_of_days()) }} as resolved
    inner join entries
        on resolved.profile_key = entries.profile_key and entries.visible_from <= resolved.as_of
    window unit as (partition by resolved.as_of, entries.experiment, resolved.customer_id)
),

entered as (
    select
        resolved.as_of,
        resolved.experiment,
        resolved.customer_id,
        resolved.arm,
        resolved.planned_share,
        resolved.is_ghost,
        resolved.entered_at,
        {{ business_day('resolved.entered_at') }} as entered_on,
        resolved.has_two_arms or coalesce(own_assignments.is_contaminated, false) as is_contaminated
    from resolved
    left join own_assignments
        on resolved.as_of = own_assignments.as_of
        and resolved.experiment = own_assignments.experiment
        and resolved.customer_id = own_assignments.customer_id
    where resolved.entry_number = 1
)

select * from entered
