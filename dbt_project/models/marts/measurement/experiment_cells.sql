with units as (
    select * from {{ ref('int_experiment_units__measured') }} where {{ in_window('as_of') }}
),

arms as (
    select
        as_of,
        experiment,
        arm,
        max(planned_share) as planned_share,
        row_number() over (
            partition by as_of, experiment
            order by
                lower(arm) in ('holdout', 'held_out', 'control', 'no_email', 'no e-mail', 'none') desc,
                bool_or(is_ghost) desc,
                max(planned_share) nulls last,
                arm
        ) = 1 as is_baseline
    from units
    group by as_of, experiment, arm
),

segmented as (
    select *, 'all' as segment from units
    union all
    select *, case when is_prior_buyer then 'prior_buyers' else 'non_buyers' end as segment from units
),

valued as (
    {%- for metric in ['conversion', 'revenue', 'visit'] %}
    select as_of, experiment, arm, segment, '{{ metric }}' as metric, {{ metric }} as metric_value, is_contaminated
    from segmented
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

cells as (
    select
        valued.as_of,
        valued.experiment,
        valued.arm,
        arms.is_baseline,
        valued.segment,
        valued.metric,
        cast(count(*) as bigint) as n_units,
        cast(count(*) filter (where valued.metric_value <> 0) as bigint) as n_nonzero,
        round(sum(valued.metric_value), 6) as total,
        round(sum(valued.metric_value * valued.metric_value), 6) as total_squares,
        arms.planned_share,
        cast(count(*) filter (where valued.is_contaminated) as bigint) as contaminated_units
    from valued
    inner join arms
        on valued.as_of = arms.as_of and valued.experiment = arms.experiment and valued.arm = arms.arm
    group by
        valued.as_of, valued.experiment, valued.arm, arms.is_baseline, valued.segment, valued.metric, arms.planned_share
)

select * from cells
