{%- set weeks = range(1, 5) %}
with units as (
    select * from {{ ref('int_experiment_units__measured') }} where {{ in_window('as_of') }}
),

counted as (
    select
        as_of,
        experiment,
        arm,
        epoch_from,
        matured_on
        {%- for week in weeks %},
        has_bought_week_{{ week }}
        {%- endfor %},
        cast(count(*) as bigint) as n_units
    from units
    where matured_on <= as_of
    group by
        as_of, experiment, arm, epoch_from, matured_on
        {%- for week in weeks %}, has_bought_week_{{ week }}{% endfor %}
)

select * from counted
