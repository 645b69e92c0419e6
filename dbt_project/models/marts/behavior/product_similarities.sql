with interests as (
    select * from {{ product_interests_as_of(as_of_days()) }} as interests
),

nearest as (
    select * from {{ product_similarities_of('interests') }} as similarities
)

select * from nearest
