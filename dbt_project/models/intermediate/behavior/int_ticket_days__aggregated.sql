with versions as (
    select * from {{ ref('int_tickets__versioned') }} where landed_on <= {{ window_end() }}
),

landed as (
    select distinct ticket_key from versions where {{ in_window('landed_on') }}
),

-- No version changed anything before the ticket was there, whatever its clock says.
dated as (
    select
        versions.*,
        {{ business_day('versions.created_at') }} as created_on,
        {{ business_day('greatest(versions.created_at, versions.updated_at)') }} as updated_on
    from versions
    inner join landed on versions.ticket_key = landed.ticket_key
),

signs as (
    select ticket_key, landed_on, profile_key, 'opened' as sign, true as holds, created_on as said_on from dated
    union all
    select ticket_key, landed_on, profile_key, 'solved', status in ('solved', 'closed'), updated_on from dated
    union all
    select
        ticket_key, landed_on, profile_key, 'rated_badly',
        coalesce(satisfaction in ('bad', 'bad_with_comment'), false), updated_on
    from dated
    union all
    select
        ticket_key, landed_on, profile_key, 'rated_well',
        coalesce(satisfaction in ('good', 'good_with_comment'), false), updated_on
    from dated
),

changes as (
    select
        *,
        cast(holds is distinct from lag(holds) over by_landing as integer) as is_change,
        lead(landed_on) over by_landing as superseded_on
    from signs
    window by_landing as (partition by ticket_key, sign order by landed_on)
),

runs as (
    select *, sum(is_change) over (partition by ticket_key, sign order by landed_on) as run_number from changes
),

-- A sign has the day of the first version with it, until a version without it.
stood as (
    select
        *,
        first_value(said_on) over (partition by ticket_key, sign, run_number order by landed_on) as occurred_on
    from runs
),

-- What stood is booked when it landed and booked back when something newer did.
movements as (
    select profile_key, landed_on, occurred_on, sign, 1 as ticket_count
    from stood
    where holds and {{ in_window('landed_on') }}
    union all
    select profile_key, superseded_on as landed_on, occurred_on, sign, -1 as ticket_count
    from stood
    where holds and {{ in_window('superseded_on') }}
),

aggregated as (
    select
        profile_key,
        landed_on,
        occurred_on,
        cast(coalesce(sum(ticket_count) filter (where sign = 'opened'), 0) as integer) as tickets_opened,
        cast(coalesce(sum(ticket_count) filter (where sign = 'solved'), 0) as integer) as tickets_solved,
        cast(coalesce(sum(ticket_count) filter (where sign = 'rated_badly'), 0) as integer) as tickets_rated_badly,
        cast(coalesce(sum(ticket_count) filter (where sign = 'rated_well'), 0) as integer) as tickets_rated_well
    from movements
    where profile_key is not null
    group by profile_key, landed_on, occurred_on
)

select * from aggregated
where tickets_opened <> 0 or tickets_solved <> 0 or tickets_rated_badly <> 0 or tickets_rated_well <> 0
