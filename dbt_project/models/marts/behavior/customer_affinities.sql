{%- set most_categories = 5 %}
with affinities as (
    select * from {{ customer_affinities_as_of(as_of_days()) }} as affinities
    where affinity > 0
),

shared as (
    select
        as_of,
        customer_id,
        category,
        cast(affinity as double) as affinity,
        round(
            cast(affinity as double) / cast(sum(affinity) over (partition by as_of, customer_id) as double), 6
        ) as affinity_share,
        cast(
            row_number() over (partition by as_of, customer_id order by affinity desc, category) as integer
        ) as affinity_rank,
        signal_count,
        last_signal_on
    from affinities
),

foremost as (
    select * from shared where affinity_rank <= {{ most_categories }}
)

select * from foremost
