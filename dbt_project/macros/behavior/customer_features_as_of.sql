{#- The features of every customer as of each day of a relation that has a column as_of: through the identity map of
    that day, from facts that had landed and happened by then. Scoring (customer_features) and training
    (churn_training_set) both call this, so a feature can have only one meaning. `_30` = the last 30 days, as_of included. -#}
{% macro customer_features_as_of(days) -%}
    (
        with resolved as (
            select * from {{ resolved_profiles(days) }}
        ),

        customers as (
            select distinct as_of, customer_id from resolved
        ),

        orders as (
            select
                as_of,
                customer_id,
                as_of - max(occurred_on) filter (where net_amount > 0) as days_since_last_order,
                as_of - min(occurred_on) filter (where net_amount > 0) as days_since_first_order,
                {%- for span in [30, 90, 365] %}
                count(*) filter (where net_amount > 0 and occurred_on > as_of - {{ span }}) as order_days_{{ span }},
                sum(net_amount) filter (where occurred_on > as_of - {{ span }}) as net_amount_{{ span }},
                {%- endfor %}
                count(*) filter (where net_amount > 0) as order_days_total,
                sum(net_amount) as net_amount_total,
                sum(order_count) as order_count_total,
                sum(gross_amount) as gross_amount_total,
                sum(refund_amount) as refund_amount_total
            from {{ customer_order_days(days) }} as order_days
            group by as_of, customer_id
        ),

        web as (
            select
                resolved.as_of,
                resolved.customer_id,
                {%- for span in [7, 28, 90] %}
                sum(web_days.product_views) filter (where web_days.occurred_on > resolved.as_of - {{ span }})
                    as product_views_{{ span }},
                {%- endfor %}
                sum(web_days.carts) filter (where web_days.occurred_on > resolved.as_of - 28) as carts_28,
                sum(web_days.checkouts) filter (where web_days.occurred_on > resolved.as_of - 28) as checkouts_28,
                resolved.as_of - max(web_days.occurred_on) as days_since_last_web_event
            from resolved
            inner join {{ ref('int_web_days__aggregated') }} as web_days
                on resolved.profile_key = web_days.profile_key
                and web_days.landed_on <= resolved.as_of
                and web_days.occurred_on <= resolved.as_of
            group by resolved.as_of, resolved.customer_id
        ),

        emails as (
            select
                resolved.as_of,
                resolved.customer_id,
                sum(email_days.delivered) filter (where email_days.occurred_on > resolved.as_of - 28)
                    as emails_delivered_28,
                sum(email_days.human_opens) filter (where email_days.occurred_on > resolved.as_of - 28)
                    as human_opens_28,
                {%- for span in [28, 90] %}
                sum(email_days.human_clicks) filter (where email_days.occurred_on > resolved.as_of - {{ span }})
                    as human_clicks_{{ span }},
                {%- endfor %}
                resolved.as_of - max(email_days.occurred_on) filter (where email_days.human_clicks > 0)
                    as days_since_last_click
            from resolved
            inner join {{ ref('int_email_days__aggregated') }} as email_days
                on resolved.profile_key = email_days.profile_key
                and email_days.landed_on <= resolved.as_of
                and email_days.occurred_on <= resolved.as_of
            group by resolved.as_of, resolved.customer_id
        ),

        tickets as (
            select as_of, customer_id, count(*) as open_tickets_count
            from {{ open_tickets(days) }} as open_tickets
            group by as_of, customer_id
        )

        select
            customers.as_of,
            customers.customer_id,
            coalesce(orders.order_days_total, 0) > 0 as has_ordered,
            cast(orders.days_since_last_order as integer) as days_since_last_order,
            cast(orders.days_since_first_order as integer) as days_since_first_order,
            {%- for span in ['30', '90', '365', 'total'] %}
            cast(coalesce(orders.order_days_{{ span }}, 0) as integer) as order_days_{{ span }},
            cast(coalesce(orders.net_amount_{{ span }}, 0) as double) as net_amount_{{ span }},
            {%- endfor %}
            round(
                case when orders.order_count_total > 0 then orders.net_amount_total / orders.order_count_total end, 6
            ) as average_order_amount,
            round(case
                when orders.order_days_total > 1
                    then (orders.days_since_first_order - orders.days_since_last_order) / (orders.order_days_total - 1)
            end, 6) as average_days_between_orders,
            round(case
                when orders.gross_amount_total > 0 then orders.refund_amount_total / orders.gross_amount_total
            end, 6) as refund_share,
            {%- for count in ['product_views_7', 'product_views_28', 'product_views_90', 'carts_28', 'checkouts_28'] %}
            cast(coalesce(web.{{ count }}, 0) as integer) as {{ count }},
            {%- endfor %}
            cast(web.days_since_last_web_event as integer) as days_since_last_web_event,
            {%- for count in ['emails_delivered_28', 'human_opens_28', 'human_clicks_28', 'human_clicks_90'] %}
            cast(coalesce(emails.{{ count }}, 0) as integer) as {{ count }},
            {%- endfor %}
            cast(emails.days_since_last_click as integer) as days_since_last_click,
            cast(coalesce(tickets.open_tickets_count, 0) as integer) as open_tickets_count
        from customers
        {%- for part in ['orders', 'web', 'emails', 'tickets'] %}
        left join {{ part }} on customers.as_of = {{ part }}.as_of and customers.customer_id = {{ part }}.customer_id
        {%- endfor %}
    )
{%- endmacro %}
