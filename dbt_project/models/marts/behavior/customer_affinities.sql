with affinities as (
    select * from {{ foremost_affinities_as_of(as_of_days()) }} as affinities
)

select * from affinities
