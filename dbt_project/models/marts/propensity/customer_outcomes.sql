with events as (
    select * from {{ outcome_days_as_of(as_of_days()) }} as events
),

last_events as (
    select as_of, customer_id, event, max(occurred_on) as last_occurred_on
    from events
    group by as_of, customer_id, event
)

select * from last_events
