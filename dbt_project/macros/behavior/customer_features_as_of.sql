{#- The features of every customer as of each day of a relation that has a column as_of: through the identity map of
    that day, from facts that had landed and happened by then. Scoring (customer_features) and training
    (training_features, uplift_examples) all call this, so a feature can have only one meaning; `windowed_measures` names the windows.
    Many days cost one scan of the state: each of its rows says from when to when it counts for whom (known_on,
    superseded_on), and only then meets the days. `among` (a relation of as_of and customer_id) spares everyone else. -#}
{% macro customer_features_as_of(days, among=none) -%}
    (
        with asked_days as (
            select distinct asked.as_of from {{ days }} as asked
        ),

        -- Numbers stand for customers until the end: groups of long strings cost twice as much.
        numbered as (
            select customer_id, cast(row_number() over (order by customer_id) as integer) as customer_no
            from (
                select distinct identity_map.customer_id
                from {{ source('identity', 'identity_map') }} as identity_map
                {%- if among is not none %}
                where identity_map.customer_id in (select among.customer_id from {{ among }} as among)
                {%- endif %}
            ) as customers
        ),

        owners as (
            select
                identity_map.profile_key, numbered.customer_id, numbered.customer_no, identity_map.valid_from, identity_map.valid_to
            from {{ source('identity', 'identity_map') }} as identity_map
            inner join numbered on identity_map.customer_id = numbered.customer_id
        ),

        customers as (
            select distinct asked_days.as_of, owners.customer_no, owners.customer_id
            from owners
            inner join asked_days on owners.valid_from <= asked_days.as_of and asked_days.as_of < owners.valid_to
            {%- if among is not none %}
            inner join {{ among }} as among
                on asked_days.as_of = among.as_of and owners.customer_id = among.customer_id
            {%- endif %}
        ),

        happened as (
            {%- for state in ['int_order_days__aggregated', 'int_web_days__aggregated', 'int_email_days__aggregated',
                'int_ticket_days__aggregated'] %}
            {{ 'union' if not loop.first }}
            select distinct occurred_on from {{ ref(state) }}
            {%- endfor %}
        ),

        seen_days as (
            select asked_days.as_of, happened.occurred_on, {{- window_marks('happened.occurred_on') | indent(12) }}
            from asked_days
            inner join happened on happened.occurred_on <= asked_days.as_of
        ),

        order_rows as (
            {{ owned_state('int_order_days__aggregated') | indent(12) }}
        ),

        -- An order day is one by the customer's whole day, so the day is added up before it is counted: once for each
        -- time at which a row of it lands, or goes to another customer.
        order_changes as (
            select customer_no, occurred_on, known_on, order_count, gross_amount, refund_amount, net_amount from order_rows
            union all
            select
                customer_no, occurred_on, superseded_on as known_on, -order_count, -gross_amount, -refund_amount, -net_amount
            from order_rows
            where superseded_on <= (select max(as_of) from asked_days)
        ),

        order_days as (
            select
                customer_no,
                occurred_on,
                known_on,
                coalesce(lead(known_on) over by_day, date '9999-12-31') as superseded_on,
                cast(sum(net_amount) over by_day > 0 as integer) as is_order_day,
                cast(sum(order_count) over by_day as double) as order_count,
                cast(sum(gross_amount) over by_day * 100 as double) as gross_cents,
                cast(sum(refund_amount) over by_day * 100 as double) as refund_cents,
                cast(sum(net_amount) over by_day * 100 as double) as net_cents
            from order_changes
            window by_day as (partition by customer_no, occurred_on order by known_on)
        ),

        orders as (
            select
                as_of,
                customer_no,
                {{- windowed_sums('orders') | indent(16) }}
                sum(is_order_day) as order_days_total,
                sum(net_cents) / 100 as net_amount_total,
                sum(order_count) as order_count_total,
                sum(gross_cents) / 100 as gross_amount_total,
                sum(refund_cents) / 100 as refund_amount_total,
                max(case when is_order_day = 1 then occurred_on end) as last_order_on,
                min(case when is_order_day = 1 then occurred_on end) as first_order_on
            from {{ seen_rows('order_days', among) }} as seen
            group by as_of, customer_no
        ),

        web_days as (
            {{ owned_state('int_web_days__aggregated') | indent(12) }}
        ),

        web as (
            select
                as_of,
                customer_no,
                {{- windowed_sums('web') | indent(16) }}
                max(occurred_on) as last_web_event_on
            from {{ seen_rows('web_days', among) }} as seen
            group by as_of, customer_no
        ),

        email_days as (
            {{ owned_state('int_email_days__aggregated') | indent(12) }}
        ),

        emails as (
            select
                as_of,
                customer_no,
                {{- windowed_sums('emails') | indent(16) }}
                max(case when human_opens > 0 then occurred_on end) as last_open_on,
                max(case when human_clicks > 0 then occurred_on end) as last_click_on
            from {{ seen_rows('email_days', among) }} as seen
            group by as_of, customer_no
        ),

        ticket_days as (
            {{ owned_state('int_ticket_days__aggregated') | indent(12) }}
        ),

        tickets as (
            select
                as_of,
                customer_no,
                {{- windowed_sums('tickets') | indent(16) }}
                sum(tickets_opened - tickets_solved) as open_tickets_count
            from {{ seen_rows('ticket_days', among) }} as seen
            group by as_of, customer_no
        )

        select
            customers.as_of,
            customers.customer_id,
            coalesce(orders.order_days_total, 0) > 0 as has_ordered,
            cast(customers.as_of - orders.last_order_on as integer) as days_since_last_order,
            cast(customers.as_of - orders.first_order_on as integer) as days_since_first_order,
            {{- windowed_columns('orders') | indent(8) }}
            cast(coalesce(orders.order_days_total, 0) as integer) as order_days_total,
            cast(coalesce(orders.net_amount_total, 0) as double) as net_amount_total,
            round(
                case when orders.order_count_total > 0 then orders.net_amount_total / orders.order_count_total end, 6
            ) as average_order_amount,
            round(case
                when orders.order_days_total > 1
                    then (orders.last_order_on - orders.first_order_on) / (orders.order_days_total - 1)
            end, 6) as average_days_between_orders,
            round(case
                when orders.gross_amount_total > 0 then orders.refund_amount_total / orders.gross_amount_total
            end, 6) as refund_share,
            {{- windowed_columns('web') | indent(8) }}
            cast(customers.as_of - web.last_web_event_on as integer) as days_since_last_web_event,
            {{- windowed_columns('emails') | indent(8) }}
            cast(customers.as_of - emails.last_open_on as integer) as days_since_last_open,
            cast(customers.as_of - emails.last_click_on as integer) as days_since_last_click,
            {{- windowed_columns('tickets') | indent(8) }}
            cast(coalesce(tickets.open_tickets_count, 0) as integer) as open_tickets_count
        from customers
        {%- for part in ['orders', 'web', 'emails', 'tickets'] %}
        left join {{ part }} on customers.as_of = {{ part }}.as_of and customers.customer_no = {{ part }}.customer_no
        {%- endfor %}
    )
{%- endmacro %}

{#- The rows of a table of daily state with the customers to whom they ever belonged. A row counts for one from the day on which it
    is known and theirs until the day on which it is no longer theirs. -#}
{% macro owned_state(state) -%}
    select
        owners.customer_no,
        greatest(state.landed_on, owners.valid_from) as known_on,
        owners.valid_to as superseded_on,
        state.* exclude (profile_key, landed_on)
    from {{ ref(state) }} as state
    inner join owners on state.profile_key = owners.profile_key and state.landed_on < owners.valid_to
    where state.landed_on <= (select max(as_of) from asked_days)
{%- endmacro %}

{#- Rows as owned_state gives, once for each asked day on which they count (and on which their customer is asked for), with the
    marks of that day. -#}
{% macro seen_rows(rows, among) -%}
    (
        select {{ rows }}.*, seen_days.* exclude (occurred_on)
        from {{ rows }}
        inner join seen_days
            on {{ rows }}.occurred_on = seen_days.occurred_on
            and {{ rows }}.known_on <= seen_days.as_of
            and seen_days.as_of < {{ rows }}.superseded_on
        {%- if among is not none %}
        inner join customers on {{ rows }}.customer_no = customers.customer_no and seen_days.as_of = customers.as_of
        {%- endif %}
    )
{%- endmacro %}
