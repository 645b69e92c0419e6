with orders as (
    select * from {{ ref('int_customer_orders__summarised') }} where {{ in_window('as_of') }} and order_days_total > 0
),

measured as (
    select
        as_of,
        customer_id,
        cast(as_of - last_order_on as integer) as recency_days,
        order_days_total as frequency,
        net_amount_total as monetary
    from orders
),

thresholds as (
    select
        as_of,
        {{ quintile_thresholds('recency_days') }},
        {{ quintile_thresholds('frequency') }},
        {{ quintile_thresholds('monetary') }}
    from measured
    group by as_of
),

scored as (
    select
        measured.*,
        6 - ({{ quintile_score('recency_days') }}) as r_score,
        {{ quintile_score('frequency') }} as f_score,
        {{ quintile_score('monetary') }} as m_score
    from measured
    inner join thresholds on measured.as_of = thresholds.as_of
),

named as (
    select
        *,
        case
            when r_score >= 4 and f_score >= 4 then 'champions'
            when r_score >= 4 and f_score >= 2 then 'potential_loyalists'
            when r_score = 5 then 'new_customers'
            when r_score = 4 then 'promising'
            when r_score = 3 and f_score >= 4 then 'loyal_customers'
            when r_score = 3 and f_score = 3 then 'needs_attention'
            when r_score = 3 then 'about_to_sleep'
            when f_score = 5 then 'cannot_lose_them'
            when f_score >= 3 then 'at_risk'
            else 'hibernating'
        end as rfm_segment
    from scored
)

select * from named
