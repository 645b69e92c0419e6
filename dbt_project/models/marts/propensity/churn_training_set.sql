with cutoffs as (
    select * from {{ ref('int_training_cutoffs__sliced') }} where {{ in_window('trained_on') }}
),

features as (
    select *
    from {{ customer_features_as_of('(select distinct cutoffs.cutoff as as_of from cutoffs)') }} as features
    where features.has_ordered
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

buyers as (
    select distinct outcome_days.cutoff, outcome_days.horizon_days, before.customer_id
    from outcome_days
    inner join before on outcome_days.cutoff = before.cutoff
    inner join after on outcome_days.as_of = after.as_of and before.root_profile_key = after.profile_key
    inner join order_days
        on outcome_days.as_of = order_days.as_of
        and after.customer_id = order_days.customer_id
        and order_days.occurred_on > outcome_days.cutoff
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
