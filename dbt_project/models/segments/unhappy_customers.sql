with features as (
    select * from {{ ref('customer_features') }} where {{ in_window('as_of') }}
),

segment as (
    select
        as_of,
        customer_id,
        open_tickets_count > 0 or tickets_rated_badly_28 > 0 as may_enter,
        open_tickets_count > 0 or tickets_rated_badly_90 > 0 as may_stay
    from features
    where open_tickets_count > 0 or tickets_opened_365 > 0
)

select * from segment
