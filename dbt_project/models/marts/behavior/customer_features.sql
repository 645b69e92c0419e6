with features as (
    select * from {{ customer_features_as_of(as_of_days()) }} as features
)

select * from features
