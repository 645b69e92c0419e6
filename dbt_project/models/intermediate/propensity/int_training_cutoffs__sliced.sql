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

slices as (
    select * from (
        values ('test', 1, 0), ('calibrate', 2, 0),
        ('train', 3, 0), ('train', 3, 15), ('train', 3, 30), ('train', 3, 45), ('train', 3, 60), ('train', 3, 75)
    ) as slices (slice, spacings_back, days_earlier)
),

cut as (
    select
        spaced.*,
        spaced.trained_on - slices.spacings_back * spaced.spacing_days - slices.days_earlier as cutoff,
        slices.slice
    from spaced
    cross join slices
),

sliced as (
    select trained_on, task, population, event, is_absence, cutoff, slice, horizon_days
    from cut
    where cutoff >= first_landed_on + 28
)

select * from sliced
