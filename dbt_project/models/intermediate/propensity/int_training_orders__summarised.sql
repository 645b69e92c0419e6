with cutoffs as (
    select distinct trained_on, cutoff
    from {{ ref('int_training_cutoffs__sliced') }}
    where {{ in_window('trained_on') }} and population = 'buyers'
),

histories as (
    select * from {{ repeat_orders_as_of('(select distinct cutoffs.cutoff as as_of from cutoffs)') }} as repeat_orders
),

summarised as (
    select
        cutoffs.trained_on,
        cutoffs.cutoff,
        histories.customer_id,
        histories.repeat_order_days,
        histories.days_from_first_to_last_order,
        histories.days_since_first_order
    from cutoffs
    inner join histories on cutoffs.cutoff = histories.as_of
)

select * from summarised
