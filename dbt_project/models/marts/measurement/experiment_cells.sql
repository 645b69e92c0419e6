{%- set dimensions = ['buyer', 'lifecycle', 'recency', 'device', 'value', 'provider', 'flow', 'purity'] %}
{%- set counted = ['two_arms', 'shared_mailbox', 'leaked', 'internal', 'contaminated', 'late'] %}
{%- set shares = ['conversion', 'visit'] %}
{%- set metrics = ['conversion', 'revenue', 'revenue_capped', 'visit'] %}
with units as (
    select * from {{ ref('int_experiment_units__measured') }} where {{ in_window('as_of') }}
),

-- Of our own experiments the playbook says which arm is the baseline; of those that were recorded elsewhere, its name or its ghosts do.
declared as (
    select as_of, experiment, arm from {{ source('ops', 'experiment_shares') }} where is_baseline and {{ in_window('as_of') }}
),

arms as (
    select
        units.as_of,
        units.experiment,
        units.arm,
        row_number() over (
            partition by units.as_of, units.experiment
            order by
                count(declared.arm) > 0 desc,
                lower(units.arm) in ('holdout', 'held_out', 'control', 'no_email', 'no e-mail', 'none') desc,
                bool_or(is_ghost) desc,
                max(planned_share) nulls last,
                units.arm
        ) = 1 as is_baseline
    from units
    left join declared
        on units.as_of = declared.as_of and units.experiment = declared.experiment and units.arm = declared.arm
    group by units.as_of, units.experiment, units.arm
),

-- The share changes from one epoch to the next.
shares as (
    select as_of, experiment, arm, epoch_from, max(planned_share) as planned_share
    from units
    group by as_of, experiment, arm, epoch_from
),

-- One pass over the units; what follows reads a few rows for each combination of segments and day.
combined as (
    select
        as_of,
        experiment,
        arm,
        epoch_from,
        matured_on,
        {%- for dimension in dimensions if dimension != 'purity' %}
        {{ dimension }}_segment,
        {%- endfor %}
        case when not is_contaminated then 'not_contaminated' end as purity_segment,
        count(*) as n_units,
        count(*) filter (where has_two_arms) as two_arms_units,
        count(*) filter (where shares_mailbox) as shared_mailbox_units,
        count(*) filter (where is_leaked) as leaked_units,
        count(*) filter (where is_internal) as internal_units,
        count(*) filter (where is_contaminated) as contaminated_units,
        count(*) filter (where has_late_order) as late_units,
        {{ exact_sum('prior_spend') }} as total_prior,
        {{ exact_sum('prior_spend * prior_spend') }} as total_prior_squares
        {%- for metric in metrics %},
        count({{ metric }}) as known_{{ metric }},
        count(*) filter (where {{ metric }} <> 0) as nonzero_{{ metric }},
        {{ exact_sum(metric ~ ' * prior_spend') }} as products_{{ metric }}
        {%- if metric not in shares %},
        {{ exact_sum(metric) }} as sum_{{ metric }},
        {{ exact_sum(metric ~ ' * ' ~ metric) }} as squares_{{ metric }},
        {{ exact_sum(metric ~ ' * ' ~ metric ~ ' * ' ~ metric) }} as cubes_{{ metric }}
        {%- endif %}
        {%- endfor %}
    from units
    group by
        as_of, experiment, arm, epoch_from, matured_on, is_contaminated
        {%- for dimension in dimensions if dimension != 'purity' %}, {{ dimension }}_segment{% endfor %}
),

summed as (
    select
        as_of,
        experiment,
        arm,
        epoch_from,
        matured_on,
        case
            {%- for dimension in dimensions %}
            when grouping({{ dimension }}_segment) = 0 then '{{ dimension }}'
            {%- endfor %}
            else 'everyone'
        end as dimension,
        case
            {%- for dimension in dimensions %}
            when grouping({{ dimension }}_segment) = 0 then {{ dimension }}_segment
            {%- endfor %}
            else 'all'
        end as segment,
        sum(n_units) as n_units,
        {%- for reason in counted %}
        sum({{ reason }}_units) as {{ reason }}_units,
        {%- endfor %}
        sum(total_prior) as total_prior,
        sum(total_prior_squares) as total_prior_squares
        {%- for metric in metrics %}
        {%- for part in ['known', 'nonzero', 'products'] + ([] if metric in shares else ['sum', 'squares', 'cubes']) %},
        sum({{ part }}_{{ metric }}) as {{ part }}_{{ metric }}
        {%- endfor %}
        {%- endfor %}
    from combined
    group by grouping sets (
        (as_of, experiment, arm, epoch_from, matured_on)
        {%- for dimension in dimensions %},
        (as_of, experiment, arm, epoch_from, matured_on, {{ dimension }}_segment)
        {%- endfor %}
    )
),

valued as (
    {%- for metric in metrics %}
    select
        as_of, experiment, arm, epoch_from, matured_on, dimension, segment, '{{ metric }}' as metric, n_units,
        {{ counted | join('_units, ') }}_units,
        total_prior, total_prior_squares, products_{{ metric }} as total_prior_products, nonzero_{{ metric }} as n_nonzero,
        {%- for part, name in {'sum': 'total', 'squares': 'total_squares', 'cubes': 'total_cubes'}.items() %}
        {{ 'nonzero' if metric in shares else part }}_{{ metric }} as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from summed
    where segment is not null and known_{{ metric }} = n_units
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
        valued.dimension,
        valued.segment,
        valued.metric,
        valued.epoch_from,
        valued.matured_on,
        cast(valued.n_units as bigint) as n_units,
        cast(valued.n_nonzero as bigint) as n_nonzero,
        cast(valued.total as double) as total,
        cast(valued.total_squares as double) as total_squares,
        cast(valued.total_cubes as double) as total_cubes,
        cast(valued.total_prior as double) as total_prior,
        cast(valued.total_prior_squares as double) as total_prior_squares,
        cast(valued.total_prior_products as double) as total_prior_products,
        shares.planned_share
        {%- for reason in counted %},
        cast(valued.{{ reason }}_units as bigint) as {{ reason }}_units
        {%- endfor %}
    from valued
    inner join arms
        on valued.as_of = arms.as_of and valued.experiment = arms.experiment and valued.arm = arms.arm
    inner join shares
        on valued.as_of = shares.as_of
        and valued.experiment = shares.experiment
        and valued.arm = shares.arm
        and valued.epoch_from is not distinct from shares.epoch_from
)

select * from cells
