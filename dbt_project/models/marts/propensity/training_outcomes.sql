{#- Customers of a task and cut-off at most, drawn by their hash: 150,000 rows to train on bound the error of an AUC at .002. -#}
{%- set most_customers = 25000 %}
with cutoffs as (
    select * from {{ ref('int_training_cutoffs__sliced') }} where {{ in_window('trained_on') }}
),

populations as (
    select * from {{ customer_populations_as_of('(select distinct cutoffs.cutoff as as_of from cutoffs)') }} as populations
),

examples as (
    select cutoffs.*, populations.customer_id
    from cutoffs
    inner join populations
        on cutoffs.cutoff = populations.as_of and cutoffs.population = populations.population
    qualify row_number() over (
        partition by cutoffs.trained_on, cutoffs.task, cutoffs.cutoff
        order by md5(populations.customer_id), populations.customer_id
    ) <= {{ most_customers }}
),

outcome_days as (
    select distinct cutoff + horizon_days as as_of, cutoff, horizon_days from cutoffs
),

before as (
    select distinct resolved.as_of as cutoff, resolved.customer_id, resolved.root_profile_key
    from {{ resolved_profiles('(select distinct cutoffs.cutoff as as_of from cutoffs)') }} as resolved
),

after as (
    select * from {{ resolved_profiles('(select distinct outcome_days.as_of from outcome_days)') }} as resolved
),

events as (
    select * from {{ outcome_days_as_of('(select distinct outcome_days.as_of from outcome_days)') }} as events
),

-- Each step is made distinct before the next join: joined at once, the few cut-offs made 20 s of a 0.5 s query.
happened as (
    select distinct outcome_days.as_of, outcome_days.cutoff, outcome_days.horizon_days, events.event, events.customer_id
    from events
    inner join outcome_days
        on events.as_of = outcome_days.as_of and events.occurred_on > outcome_days.cutoff
),

profiles as (
    select distinct happened.cutoff, happened.horizon_days, happened.event, after.profile_key
    from after
    inner join happened on after.as_of = happened.as_of and after.customer_id = happened.customer_id
),

followed as (
    select distinct profiles.cutoff, profiles.horizon_days, profiles.event, before.customer_id
    from before
    inner join profiles on before.cutoff = profiles.cutoff and before.root_profile_key = profiles.profile_key
),

labelled as (
    select
        examples.trained_on,
        examples.task,
        examples.cutoff,
        examples.slice,
        examples.horizon_days,
        examples.customer_id,
        (followed.customer_id is null) = examples.is_absence as outcome
    from examples
    left join followed
        on examples.cutoff = followed.cutoff
        and examples.horizon_days = followed.horizon_days
        and examples.event = followed.event
        and examples.customer_id = followed.customer_id
)

select * from labelled
