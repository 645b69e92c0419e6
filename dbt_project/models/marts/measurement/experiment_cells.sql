{#- Dimensions of a group are crossed with each other and with nothing else, so that one pass over the units leaves few combinations. -#}
{%- set groups = [['buyer', 'lifecycle', 'value'], ['recency', 'device', 'provider'], ['flow', 'purity']] %}
{%- set dimensions = groups | sum(start=[]) %}
{%- set reasons = ['two_arms', 'shared_mailbox', 'leaked', 'internal', 'contaminated', 'late'] %}
{%- set shares = ['conversion', 'visit'] %}
{%- set metrics = ['conversion', 'revenue', 'revenue_capped', 'visit'] %}
with units as (
    select *, case when not is_contaminated then 'not_contaminated' end as purity_segment
    from {{ ref('int_experiment_units__measured') }}
    where {{ in_window('as_of') }}
),

-- One pass over the units; what follows reads a few rows for each combination of segments and day.
combined as (
    select
        as_of,
        experiment,
        arm,
        epoch_from,
        matured_on,
        {%- for dimension in dimensions %}
        {{ dimension }}_segment,
        {%- endfor %}
        case
            {%- for group in groups %}
            when grouping({{ group[0] }}_segment) = 0 then {{ loop.index }}
            {%- endfor %}
        end as dimension_group,
        max(planned_share) as planned_share,
        bool_or(is_ghost) as has_ghosts,
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
    group by grouping sets (
        {%- for group in groups %}
        (as_of, experiment, arm, epoch_from, matured_on{% for dimension in group %}, {{ dimension }}_segment{% endfor %})
        {{- ',' if not loop.last }}
        {%- endfor %}
    )
),

-- Of our own experiments the playbook says which arm is the baseline; of those that were recorded elsewhere, its name or its ghosts do.
declared as (
    select as_of, experiment, arm from {{ source('ops', 'experiment_shares') }} where is_baseline and {{ in_window('as_of') }}
),

arms as (
    select
        combined.as_of,
        combined.experiment,
        combined.arm,
        row_number() over (
            partition by combined.as_of, combined.experiment
            order by
                count(declared.arm) > 0 desc,
                lower(combined.arm) in ('holdout', 'held_out', 'control', 'no_email', 'no e-mail', 'none') desc,
                bool_or(has_ghosts) desc,
                max(planned_share) nulls last,
                combined.arm
        ) = 1 as is_baseline
    from combined
    left join declared
        on combined.as_of = declared.as_of and combined.experiment = declared.experiment and combined.arm = declared.arm
    group by combined.as_of, combined.experiment, combined.arm
),

-- The share changes from one epoch to the next.
shares as (
    select as_of, experiment, arm, epoch_from, max(planned_share) as planned_share
    from combined
    group by as_of, experiment, arm, epoch_from
),

summed as (
    select
        as_of,
        experiment,
        arm,
        epoch_from,
        matured_on,
        dimension_group,
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
        {%- for reason in reasons %}
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
        (as_of, experiment, arm, epoch_from, matured_on, dimension_group)
        {%- for dimension in dimensions %},
        (as_of, experiment, arm, epoch_from, matured_on, dimension_group, {{ dimension }}_segment)
        {%- endfor %}
    )
),

-- Each dimension is counted in its own group, and everyone in the first.
counted as (
    select *
    from summed
    where segment is not null
        and dimension_group = case dimension
            {%- for group in groups %}
            {%- set number = loop.index %}
            {%- for dimension in group %}
            when '{{ dimension }}' then {{ number }}
            {%- endfor %}
            {%- endfor %}
            else 1
        end
),

valued as (
    {%- for metric in metrics %}
    select
        as_of, experiment, arm, epoch_from, matured_on, dimension, segment, '{{ metric }}' as metric, n_units,
        {{ reasons | join('_units, ') }}_units,
        total_prior, total_prior_squares, products_{{ metric }} as total_prior_products, nonzero_{{ metric }} as n_nonzero,
        {%- for part, name in {'sum': 'total', 'squares': 'total_squares', 'cubes': 'total_cubes'}.items() %}
        {{ 'nonzero' if metric in shares else part }}_{{ metric }} as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from counted
    where known_{{ metric }} = n_units
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
        {%- for reason in reasons %},
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
