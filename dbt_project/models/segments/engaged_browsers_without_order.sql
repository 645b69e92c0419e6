with features as (
    select * from {{ ref('customer_features') }} where {{ in_window('as_of') }}
),

segment as (
    select
        as_of,
        customer_id,
        product_views_28 >= 3 or carts_28 >= 1 as may_enter,
        product_views_28 >= 2 or carts_28 >= 1 as may_stay
    from features
    where not has_ordered and (product_views_90 > 0 or carts_90 > 0)
)

select * from segment
