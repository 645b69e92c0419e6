with tasks as (
    select * from {{ source('ml', 'propensity_tasks') }} where {{ in_window('trained_on') }}
),

order_days as (
    select * from {{ ref('int_order_days__aggregated') }}
),

weeks as (
    select distinct trained_on from tasks
),

histories as (
    select weeks.trained_on, min(order_days.landed_on) as first_landed_on
    from weeks
    inner join order_days on order_days.landed_on <= weeks.trained_on
    group by weeks.trained_on
),

horizons as (
    select
        tasks.trained_on,
        tasks.task,
        tasks.population,
        tasks.event,
        tasks.is_absence,
        histories.first_landed_on,
        case
            when tasks.trained_on - histories.first_landed_on >= 5 * tasks.horizon_days then tasks.horizon_days
            else tasks.short_horizon_days
        end as horizon_days
    from tasks
    inner join histories on tasks.trained_on = histories.trained_on
),

-- Cut-offs stand 15 days apart, so that tasks of different horizons share them, and with them the features.
spaced as (
    select *, cast(15 * ceil(horizon_days / 15.0) as integer) as spacing_days from horizons
),

placed as (
    select *, case when trained_on - first_landed_on >= 8 * spacing_days then 4 else 3 end as train_spacings_back from spaced
),

-- With a long history, rungs are compared on two cut-offs: of a rare event, one has too few to tell them apart.
slices as (
    select 'test' as slice, 1 as spacings_back, 0 as days_earlier
    union all
    select 'calibrate' as slice, unnest([2, 3]) as spacings_back, 0 as days_earlier
    union all
    select 'train' as slice, unnest([3, 4]) as spacings_back, earlier.days_earlier
    from (values (0), (15), (30), (45), (60), (75)) as earlier (days_earlier)
),

cut as (
    select
        placed.*,
        placed.trained_on - slices.spacings_back * placed.spacing_days - slices.days_earlier as cutoff,
        slices.slice
    from placed
    inner join slices
        on case slices.slice
            when 'train' then slices.spacings_back = placed.train_spacings_back
            else slices.spacings_back < placed.train_spacings_back
        end
),

sliced as (
    select trained_on, task, population, event, is_absence, cutoff, slice, horizon_days
    from cut
    where cutoff >= first_landed_on + 28
)

select * from sliced
