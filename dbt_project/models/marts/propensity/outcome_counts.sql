with events as (
    select * from {{ outcome_days_as_of(as_of_days()) }} as events
),

counted as (
    select as_of, event, occurred_on, count(*) as customer_count
    from events
    where occurred_on > as_of - 150
    group by as_of, event, occurred_on
)

select * from counted
