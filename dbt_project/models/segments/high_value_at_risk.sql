with customers as (
    select * from {{ ref('dim_customers') }} where {{ in_window('as_of') }}
),

features as (
    select * from {{ ref('customer_features') }} where {{ in_window('as_of') }}
),

scores as (
    select * from {{ source('ml', 'customer_scores') }}
    where {{ in_window('as_of') }} and model_name = 'churn_risk' and tier = 'model'
),

segment as (
    select
        customers.as_of,
        customers.customer_id,
        customers.value_tier = 'high'
            and case when scores.score is null then features.days_since_last_order > 60 else scores.score >= 0.8 end as may_enter,
        case when scores.score is null then features.days_since_last_order > 45 else scores.score >= 0.7 end as may_stay
    from customers
    inner join features
        on customers.as_of = features.as_of and customers.customer_id = features.customer_id
    left join scores on customers.as_of = scores.as_of and customers.customer_id = scores.customer_id
    where customers.value_tier in ('high', 'mid') and features.days_since_last_order > 14
)

select * from segment
