with cutoffs as (
    select * from {{ ref('int_training_cutoffs__sliced') }} where {{ in_window('trained_on') }}
),

features as (
    select *
    from {{ customer_features_as_of('(select distinct cutoffs.cutoff as as_of from cutoffs)', buyers_only=true) }} as features
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

order_days as (
    select *
    from {{ customer_order_days('(select distinct outcome_days.as_of from outcome_days)') }} as order_days
    where order_days.net_amount > 0
),

-- Each step is made distinct before the next join: joined at once, the few cut-offs made 20 s of a 0.5 s query.
returned as (
    select distinct outcome_days.as_of, outcome_days.cutoff, outcome_days.horizon_days, order_days.customer_id
    from order_days
    inner join outcome_days
        on order_days.as_of = outcome_days.as_of and order_days.occurred_on > outcome_days.cutoff
),

returned_profiles as (
    select distinct returned.cutoff, returned.horizon_days, after.profile_key
    from after
    inner join returned on after.as_of = returned.as_of and after.customer_id = returned.customer_id
),

buyers as (
    select distinct before.cutoff, returned_profiles.horizon_days, before.customer_id
    from before
    inner join returned_profiles
        on before.cutoff = returned_profiles.cutoff and before.root_profile_key = returned_profiles.profile_key
),

labelled as (
    select
        cutoffs.trained_on,
        cutoffs.cutoff,
        cutoffs.slice,
        cutoffs.horizon_days,
        features.customer_id,
        buyers.customer_id is null as churned,
        features.* exclude (as_of, customer_id, has_ordered)
    from cutoffs
    inner join features on cutoffs.cutoff = features.as_of
    left join buyers
        on cutoffs.cutoff = buyers.cutoff
        and cutoffs.horizon_days = buyers.horizon_days
        and features.customer_id = buyers.customer_id
)

select * from labelled
