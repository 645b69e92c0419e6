{#- Recency, frequency and monetary value of each customer with an order day, from a relation as `customer_orders_summary` gives. -#}
{% macro rfm_measured(orders) -%}
    select
        as_of,
        customer_id,
        cast(as_of - last_order_on as integer) as recency_days,
        order_days_total as frequency,
        net_amount_total as monetary
    from {{ orders }}
    where order_days_total > 0
{%- endmacro %}

{#- The thresholds between the fifths of each day's customers. -#}
{% macro rfm_threshold_row(measured) -%}
    select
        as_of,
        cast(count(*) as integer) as customer_count,
        {{ quintile_thresholds('recency_days') }},
        {{ quintile_thresholds('frequency') }},
        {{ quintile_thresholds('monetary') }}
    from {{ measured }}
    group by as_of
{%- endmacro %}

{#- Scores by the thresholds of the same day, and the usual name of the recency and frequency scores. -#}
{% macro rfm_named(measured, thresholds) -%}
    select
        measured.*,
        6 - ({{ quintile_score('recency_days') }}) as r_score,
        {{ quintile_score('frequency') }} as f_score,
        {{ quintile_score('monetary') }} as m_score,
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
    from {{ measured }} as measured
    inner join {{ thresholds }} as thresholds on measured.as_of = thresholds.as_of
{%- endmacro %}
