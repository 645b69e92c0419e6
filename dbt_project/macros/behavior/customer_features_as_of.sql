{#- The features of every customer as of each day of a relation that has a column as_of: through the identity map of
    that day, from facts that had landed and happened by then. Scoring (customer_features) and training
    (churn_training_set) both call this, so a feature can have only one meaning; `windowed_measures` names the windows. `among` as of
    resolved_profiles. -#}
{% macro customer_features_as_of(days, among=none) -%}
    (
        with resolved as (
            select * from {{ resolved_profiles(days, among) }}
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
                {{- windowed_sums('orders') | indent(12) }}
                count(*) filter (where net_amount > 0) as order_days_total,
                sum(net_amount) as net_amount_total,
                sum(order_count) as order_count_total,
                sum(gross_amount) as gross_amount_total,
                sum(refund_amount) as refund_amount_total
            from {{ customer_order_days(days, among) }} as order_days
            group by as_of, customer_id
        ),

        web as (
            select
                resolved.as_of,
                resolved.customer_id,
                {{- windowed_sums('web') | indent(12) }}
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
                {{- windowed_sums('emails') | indent(12) }}
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
            {{- windowed_columns('orders') | indent(8) }}
            cast(coalesce(orders.order_days_total, 0) as integer) as order_days_total,
            cast(coalesce(orders.net_amount_total, 0) as double) as net_amount_total,
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
            {{- windowed_columns('web') | indent(8) }}
            cast(web.days_since_last_web_event as integer) as days_since_last_web_event,
            {{- windowed_columns('emails') | indent(8) }}
            cast(emails.days_since_last_click as integer) as days_since_last_click,
            cast(coalesce(tickets.open_tickets_count, 0) as integer) as open_tickets_count
        from customers
        {%- for part in ['orders', 'web', 'emails', 'tickets'] %}
        left join {{ part }} on customers.as_of = {{ part }}.as_of and customers.customer_id = {{ part }}.customer_id
        {%- endfor %}
    )
{%- endmacro %}
