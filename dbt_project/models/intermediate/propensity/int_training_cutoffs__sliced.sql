with order_days as (
    select * from {{ ref('int_order_days__aggregated') }}
),

weeks as (
    select cast(unnest(generate_series({{ window_end() }}, {{ window_start() }}, interval (-7) day)) as date) as trained_on
),

histories as (
    select weeks.trained_on, min(order_days.landed_on) as first_landed_on
    from weeks
    inner join order_days on order_days.landed_on <= weeks.trained_on
    group by weeks.trained_on
),

horizons as (
    select *, case when trained_on - first_landed_on >= 300 then 60 else 30 end as horizon_days from histories
),

slices as (
    select * from (
        values ('test', 1, 0), ('calibrate', 2, 0),
        ('train', 3, 0), ('train', 3, 14), ('train', 3, 28), ('train', 3, 42), ('train', 3, 56), ('train', 3, 70)
    ) as slices (slice, horizons_back, days_earlier)
),

cut as (
    select
        horizons.trained_on,
        horizons.trained_on - slices.horizons_back * horizons.horizon_days - slices.days_earlier as cutoff,
        slices.slice,
        horizons.horizon_days,
        horizons.first_landed_on
    from horizons
    cross join slices
),

sliced as (
    select trained_on, cutoff, slice, horizon_days from cut where cutoff >= first_landed_on + 28
)

select * from sliced
