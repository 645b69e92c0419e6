with features as (
    select * from {{ ref('customer_features') }} where {{ in_window('as_of') }}
),

segment as (
    select as_of, customer_id
    from features
    where not has_ordered and (product_views_28 >= 3 or carts_28 >= 1)
)

select * from segment
