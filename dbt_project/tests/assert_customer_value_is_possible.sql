-- Predictions are finite, of the future, and consistent with each other: rows where this is not so. Without a fit they are null, all of them.
with customer_value as (
    select * from {{ source('ml', 'customer_value') }} where {{ in_window('as_of') }}
)

select *
from customer_value
where not expected_orders_90_days between 0 and 90
    or not expected_orders_365_days between expected_orders_90_days and 365
    or (expected_orders_90_days is null) <> (expected_orders_365_days is null)
    or not (expected_order_amount >= 0 and expected_order_amount < cast('infinity' as double))
    or (predicted_clv is null) <> (expected_orders_365_days is null or expected_order_amount is null)
    or not (predicted_clv >= 0 and predicted_clv < cast('infinity' as double))
    or not expected_date_of_next_order between as_of + 1 and as_of + 365
    or not average_days_between_orders >= 1
