with populations as (
    select as_of, customer_id, population
    from {{ customer_populations_as_of(as_of_days()) }} as populations
)

select * from populations
