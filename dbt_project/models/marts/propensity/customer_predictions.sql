with customer_value as (
    select * from {{ source('ml', 'customer_value') }} where {{ in_window('as_of') }}
),

churn as (
    select * from {{ source('ml', 'customer_scores') }}
    where {{ in_window('as_of') }} and model_name = 'churn_risk' and tier = 'model'
),

predicted as (
    select
        customer_value.as_of,
        customer_value.customer_id,
        customer_value.predicted_clv,
        churn.score as churn_probability,
        customer_value.expected_date_of_next_order,
        customer_value.average_days_between_orders,
        customer_value.expected_orders_365_days as predicted_number_of_orders,
        customer_value.expected_orders_90_days
    from customer_value
    left join churn on customer_value.as_of = churn.as_of and customer_value.customer_id = churn.customer_id
)

select * from predicted
