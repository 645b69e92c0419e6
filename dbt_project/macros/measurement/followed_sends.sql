{#- Every email of the week of each partition day and the seven before it, and what became of it as far as had landed: by whom it was
    opened, clicked and left, and the orders that are credited to it. A person's reaction proves a delivery, whatever the feed lost; a
    click lands where the person is on the site within an hour, or has an order that is credited to it. -#}
{% macro followed_sends() -%}
    (
        with email_events as (
            select * from {{ ref('int_email_events__unioned') }}
        ),

        engagement as (
            select event_key, is_human from {{ ref('int_email_engagement__classified') }}
        ),

        web_events as (
            select * from {{ ref('int_web_events__unioned') }}
        ),

        rules as (
            select * from {{ source('ops', 'attribution_rules') }}
        ),

        orders as (
            select * from {{ customer_orders(as_of_days()) }} as orders
        ),

        released as (
            select
                days.as_of,
                substr(
                    sha256(concat_ws('|', cast(ledger.as_of as varchar), ledger.customer_id, ledger.flow, ledger.step, ledger.occurrence)), 1, 32
                ) as send_key,
                ledger.mailbox_hash,
                ledger.root_profile_key as profile_key,
                ledger.flow,
                ledger.step,
                ledger.segment,
                ledger.send_date as sent_on
            from {{ as_of_days() }} as days
            inner join {{ source('state', 'send_ledger') }} as ledger
                on ledger.kind = 'send'
                and ledger.status <> 'settled'
                and ledger.send_date between {{ chain_start('days.as_of') }} and days.as_of
        ),

        -- Reactions come weeks after an email was handed over; the events of two weeks more tell an old email from a new one.
        known as (
            select
                days.as_of,
                events.mailbox_hash,
                events.decision_id,
                coalesce(events.decision_id, events.message_id) as message_key,
                events.flow,
                events.step,
                events.event,
                events.occurred_at,
                events.occurred_on,
                coalesce(engagement.is_human, true) as is_human
            from {{ as_of_days() }} as days
            inner join email_events as events
                on events.landed_on <= days.as_of
                and events.occurred_on between {{ chain_start('days.as_of') }} - 14 and days.as_of
            left join engagement on events.event_key = engagement.event_key
            where events.mailbox_hash is not null
                and coalesce(events.decision_id, events.message_id) is not null
        ),

        messages as (
            select
                as_of,
                mailbox_hash,
                message_key,
                max(decision_id) as decision_id,
                max(flow) as flow,
                max(step) as step,
                min(occurred_on) filter (where event in ('processed', 'deferred', 'dropped', 'delivered', 'bounced', 'blocked')) as handed_over_on,
                bool_or(event = 'delivered') as is_accepted,
                bool_or(event = 'opened' and is_human) as is_opened,
                bool_or(event = 'clicked' and is_human) as is_clicked,
                bool_or(event = 'bounced') as is_bounced,
                bool_or(event = 'complained') as is_complained,
                bool_or(event = 'unsubscribed') as is_unsubscribed
            from known
            group by as_of, mailbox_hash, message_key
        ),

        -- Our decision tells an email of ours; an ESP that does not give it back is known by mailbox, flow, step and day.
        matched as (
            select
                messages.*,
                coalesce(by_decision.send_key, by_day.send_key, messages.message_key || ':' || messages.mailbox_hash) as send_key
            from messages
            left join released as by_decision
                on messages.as_of = by_decision.as_of and messages.decision_id = by_decision.send_key
            left join released as by_day
                on messages.as_of = by_day.as_of
                and messages.decision_id is null
                and messages.mailbox_hash = by_day.mailbox_hash
                and messages.flow = by_day.flow
                and messages.step = by_day.step
                and messages.handed_over_on = by_day.sent_on
        ),

        reported as (
            select
                as_of,
                mailbox_hash,
                send_key,
                max(flow) as flow,
                max(step) as step,
                min(handed_over_on) as handed_over_on,
                bool_or(is_accepted) as is_accepted,
                bool_or(is_opened) as is_opened,
                bool_or(is_clicked) as is_clicked,
                bool_or(is_bounced) as is_bounced,
                bool_or(is_complained) as is_complained,
                bool_or(is_unsubscribed) as is_unsubscribed
            from matched
            group by as_of, mailbox_hash, send_key
        ),

        sends as (
            select as_of, mailbox_hash, send_key, profile_key, flow, step, segment, sent_on from released
            union all
            select
                reported.as_of, reported.mailbox_hash, reported.send_key, 'mailbox:' || reported.mailbox_hash as profile_key,
                coalesce(reported.flow, 'not_named') as flow, reported.step, null as segment, reported.handed_over_on as sent_on
            from reported
            left join released on reported.as_of = released.as_of and reported.send_key = released.send_key
            where released.send_key is null and reported.handed_over_on >= {{ chain_start('reported.as_of') }}
        ),

        owned as (
            select sends.*, resolved.customer_id
            from sends
            left join {{ resolved_profiles(as_of_days()) }} as resolved
                on sends.as_of = resolved.as_of and sends.profile_key = resolved.profile_key
        ),

        clicks as (
            select owned.as_of, owned.send_key, owned.customer_id, known.occurred_at as clicked_at
            from known
            inner join matched
                on known.as_of = matched.as_of
                and known.mailbox_hash = matched.mailbox_hash
                and known.message_key = matched.message_key
            inner join owned on matched.as_of = owned.as_of and matched.send_key = owned.send_key
            where known.event = 'clicked' and known.is_human
        ),

        visited as (
            select distinct clicks.as_of, clicks.send_key
            from clicks
            inner join {{ resolved_profiles(as_of_days(), among='(select distinct as_of, customer_id from clicks)') }} as resolved
                on clicks.as_of = resolved.as_of and clicks.customer_id = resolved.customer_id
            inner join web_events
                on resolved.profile_key = web_events.profile_key
                and web_events.landed_on <= clicks.as_of
                and date_diff('second', clicks.clicked_at, web_events.occurred_at) between 0 and 3600
        ),

        -- An order belongs to the last email that was clicked before it.
        credited as (
            select
                clicks.as_of,
                clicks.send_key,
                orders.net_amount,
                row_number() over (
                    partition by orders.as_of, orders.order_key order by clicks.clicked_at desc, clicks.send_key desc
                ) as place
            from clicks
            inner join rules on clicks.as_of = rules.as_of
            inner join orders
                on clicks.as_of = orders.as_of
                and clicks.customer_id = orders.customer_id
                and date_diff('second', clicks.clicked_at, orders.ordered_at) between 0 and 3600 * rules.email_window_hours
        ),

        earned as (
            select as_of, send_key, {{ exact_sum('net_amount') }} as revenue
            from credited
            where place = 1
            group by as_of, send_key
        ),

        followed as (
            select
                owned.as_of,
                owned.send_key,
                owned.mailbox_hash,
                owned.customer_id,
                owned.flow,
                owned.step,
                owned.segment,
                owned.sent_on,
                coalesce(
                    reported.is_opened or reported.is_clicked or reported.is_complained or reported.is_unsubscribed
                    or (reported.is_accepted and not reported.is_bounced),
                    false
                ) as is_delivered,
                coalesce(reported.is_opened, false) as is_opened,
                coalesce(reported.is_clicked, false) as is_clicked,
                visited.send_key is not null or earned.send_key is not null as is_landed,
                earned.send_key is not null as is_converted,
                coalesce(earned.revenue, 0) as revenue,
                coalesce(reported.is_bounced, false) as is_bounced,
                coalesce(reported.is_complained, false) as is_complained,
                coalesce(reported.is_unsubscribed, false) as is_unsubscribed
            from owned
            left join reported
                on owned.as_of = reported.as_of and owned.mailbox_hash = reported.mailbox_hash and owned.send_key = reported.send_key
            left join visited on owned.as_of = visited.as_of and owned.send_key = visited.send_key
            left join earned on owned.as_of = earned.as_of and owned.send_key = earned.send_key
        )

        select * from followed
    )
{%- endmacro %}
