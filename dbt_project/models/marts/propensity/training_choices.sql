with tasks as (
    select trained_on, task, options
    from {{ source('ml', 'propensity_tasks') }}
    where {{ in_window('trained_on') }} and options is not null
),

choosers as (
    select
        outcomes.trained_on, outcomes.task, outcomes.cutoff, outcomes.horizon_days, outcomes.customer_id, tasks.options
    from {{ ref('training_outcomes') }} as outcomes
    inner join tasks on outcomes.trained_on = tasks.trained_on and outcomes.task = tasks.task
    where {{ in_window('outcomes.trained_on') }} and outcomes.outcome
),

cutoffs as (
    select distinct cutoff as as_of from choosers
),

horizons as (
    select distinct cutoff + horizon_days as as_of, cutoff, horizon_days, options from choosers
),

members as (
    select distinct cutoff as as_of, customer_id, options from choosers
),

described as (
    select * from {{ customer_options_as_of('(select cutoffs.as_of from cutoffs)', 'members') }} as options
),

choices as (
    select * from {{ choices_as_of('(select distinct horizons.as_of from horizons)') }} as choices
),

-- An order may have several categories: then each of them was the next one.
firsts as (
    select
        horizons.as_of, horizons.cutoff, horizons.horizon_days, choices.customer_id, choices.options, choices.option
    from choices
    inner join horizons
        on choices.as_of = horizons.as_of
        and choices.options = horizons.options
        and choices.occurred_on > horizons.cutoff
    qualify rank() over (
        partition by horizons.cutoff, horizons.horizon_days, choices.customer_id, choices.options
        order by choices.chosen_at
    ) = 1
),

before as (
    select distinct resolved.as_of as cutoff, resolved.customer_id, resolved.root_profile_key
    from {{ resolved_profiles('(select cutoffs.as_of from cutoffs)') }} as resolved
),

after as (
    select * from {{ resolved_profiles('(select distinct horizons.as_of from horizons)') }} as resolved
),

followed as (
    select distinct firsts.cutoff, firsts.horizon_days, before.customer_id, firsts.options, firsts.option
    from before
    inner join after on before.root_profile_key = after.profile_key
    inner join firsts
        on before.cutoff = firsts.cutoff and after.as_of = firsts.as_of and after.customer_id = firsts.customer_id
),

labelled as (
    select
        choosers.trained_on,
        choosers.task,
        choosers.cutoff,
        choosers.customer_id,
        described.option,
        followed.option is not null as outcome,
        described.popularity_share,
        described.own_weight,
        described.total_weight,
        described.own_share,
        described.shrunk_share,
        described.days_since_last_sign
    from choosers
    inner join described
        on choosers.cutoff = described.as_of
        and choosers.customer_id = described.customer_id
        and choosers.options = described.options
    left join followed
        on choosers.cutoff = followed.cutoff
        and choosers.horizon_days = followed.horizon_days
        and choosers.customer_id = followed.customer_id
        and choosers.options = followed.options
        and described.option = followed.option
),

-- Who chose nothing that is on offer tells nothing of what is.
chosen as (
    select *
    from labelled
    qualify bool_or(outcome) over (partition by trained_on, task, cutoff, customer_id)
)

select * from chosen
