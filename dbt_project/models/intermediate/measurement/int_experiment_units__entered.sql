with assignments as (
    select * from {{ ref('int_assignments__recorded') }}
),

ledger as (
    select * from {{ source('state', 'send_ledger') }} where experiment is not null and kind in ('send', 'ghost')
),

own_assignments as (
    select * from {{ source('measurement', 'experiment_assignments') }} where {{ in_window('as_of') }}
),

breaker_trips as (
    select * from {{ source('state', 'breaker_trips') }} where state in ('rolled_back', 'resumed')
),

own_shares as (
    select * from {{ source('ops', 'experiment_shares') }} where as_of <= {{ window_end() }}
),

entries as (
    select
        landed_on as visible_from, experiment, profile_key, arm, planned_share, ghost_at is not null as is_ghost,
        cast(null as varchar) as flow, assigned_at, {{ business_day('assigned_at') }} as assigned_on,
        coalesce(exposed_at, ghost_at, assigned_at) as entered_at
    from assignments
    union all
    select
        send_date as visible_from, experiment, root_profile_key as profile_key, arm, null as planned_share,
        kind = 'ghost' as is_ghost, flow, coalesce(send_at, released_at) as assigned_at,
        cast(null as date) as assigned_on, coalesce(send_at, released_at) as entered_at
    from ledger
),

flow_experiments as (
    select distinct experiment, flow from own_shares where flow is not null
),

owners as (
    select * from {{ resolved_profiles(as_of_days()) }} as resolved
),

-- Within a flow, who was sent to or held out since the arm was recorded is in the experiment.
owned_entries as (
    select owners.as_of, owners.customer_id, entries.*
    from owners
    inner join entries on owners.profile_key = entries.profile_key and entries.visible_from <= owners.as_of
    union all
    select
        owners.as_of, owners.customer_id, ledger.send_date as visible_from, own_assignments.experiment, owners.profile_key,
        own_assignments.arm, null as planned_share, ledger.kind = 'ghost' as is_ghost, ledger.flow,
        coalesce(ledger.send_at, ledger.released_at) as assigned_at, own_assignments.assigned_on,
        coalesce(ledger.send_at, ledger.released_at) as entered_at
    from owners
    inner join ledger on owners.profile_key = ledger.root_profile_key and ledger.send_date <= owners.as_of
    inner join flow_experiments on ledger.flow = flow_experiments.flow
    inner join own_assignments
        on owners.as_of = own_assignments.as_of
        and owners.customer_id = own_assignments.customer_id
        and flow_experiments.experiment = own_assignments.experiment
        and own_assignments.assigned_on < ledger.send_date
),

resolved as (
    select
        *,
        row_number() over (
            partition by as_of, experiment, customer_id order by assigned_at, entered_at, arm, profile_key
        ) as entry_number,
        min(arm) over unit <> max(arm) over unit as has_two_arms
    from owned_entries
    window unit as (partition by as_of, experiment, customer_id)
),

dated as (
    select
        resolved.*,
        {{ business_day('resolved.entered_at') }} as entered_on,
        coalesce(resolved.assigned_on, own_assignments.assigned_on, {{ business_day('resolved.entered_at') }}) as drawn_on,
        coalesce(own_assignments.is_contaminated, false) as shares_mailbox
    from resolved
    left join own_assignments
        on resolved.as_of = own_assignments.as_of
        and resolved.experiment = own_assignments.experiment
        and resolved.customer_id = own_assignments.customer_id
    where resolved.entry_number = 1
),

-- The shares of each arm by day: as the playbook of the day planned them, or as the recorded assignments of the day say.
told as (
    select experiment, arm, as_of as planned_on, planned_share, as_of as visible_from
    from own_shares
    union all
    select experiment, arm, {{ business_day('assigned_at') }} as planned_on, planned_share, min(landed_on) as visible_from
    from assignments
    where planned_share is not null
    group by experiment, arm, {{ business_day('assigned_at') }}, planned_share
),

planned as (
    select days.as_of, told.experiment, told.arm, told.planned_on, max(told.planned_share) as planned_share
    from {{ as_of_days() }} as days
    inner join told on told.visible_from <= days.as_of
    group by days.as_of, told.experiment, told.arm, told.planned_on
),

changed as (
    select distinct as_of, experiment, planned_on
    from (
        select *, lag(planned_share) over (partition by as_of, experiment, arm order by planned_on) as share_before
        from planned
    ) as compared
    where planned_share <> share_before
),

-- Where a cell is rolled back, or goes on, personalised emails of a flow are no longer what they were.
stopped as (
    select days.as_of, personalised.experiment, breaker_trips.tripped_on as planned_on
    from {{ as_of_days() }} as days
    inner join breaker_trips on breaker_trips.tripped_on <= days.as_of
    cross join (select distinct experiment from own_shares where flow is not null and gets = 'personalised') as personalised
),

begun as (
    select as_of, experiment, planned_on from changed
    union
    select as_of, experiment, planned_on from stopped
),

epochs as (
    select drawn.as_of, drawn.experiment, drawn.drawn_on, max(begun.planned_on) as epoch_from
    from (select distinct as_of, experiment, drawn_on from dated) as drawn
    inner join begun
        on drawn.as_of = begun.as_of
        and drawn.experiment = begun.experiment
        and begun.planned_on <= drawn.drawn_on
    group by drawn.as_of, drawn.experiment, drawn.drawn_on
),

entered as (
    select
        dated.as_of,
        dated.experiment,
        dated.customer_id,
        dated.arm,
        coalesce(dated.planned_share, own_shares.planned_share) as planned_share,
        epochs.epoch_from,
        dated.is_ghost,
        'entered_by_' || dated.flow as flow_segment,
        dated.entered_at,
        dated.entered_on,
        dated.has_two_arms,
        dated.shares_mailbox
    from dated
    left join own_shares
        on dated.experiment = own_shares.experiment and dated.arm = own_shares.arm and dated.drawn_on = own_shares.as_of
    left join epochs
        on dated.as_of = epochs.as_of and dated.experiment = epochs.experiment and dated.drawn_on = epochs.drawn_on
)

select * from entered
