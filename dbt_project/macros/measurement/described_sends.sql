{#- The emails of `followed_sends` with the cohorts that their readers were in before the day of the send. -#}
{% macro described_sends() -%}
    (
        with sends as (
            select * from {{ followed_sends() }} as followed
        ),

        order_days as (
            select * from {{ ref('int_order_days__aggregated') }}
        ),

        -- Everything below happened before the day of the send, so that the email cannot have moved it.
        reactions as (
            select * from {{ engagement_of_sends('sends') }} as reactions
        ),

        customer_days as (
            select resolved.as_of, resolved.customer_id, days.occurred_on, sum(days.net_amount) as net_amount
            from {{ resolved_profiles(as_of_days(), among='(select distinct as_of, customer_id from sends)') }} as resolved
            inner join order_days as days
                on resolved.profile_key = days.profile_key and days.landed_on <= resolved.as_of
            group by resolved.as_of, resolved.customer_id, days.occurred_on
        ),

        bought as (
            select
                *,
                occurred_on - lag(occurred_on) over (partition by as_of, customer_id order by occurred_on) as days_before,
                lead(occurred_on) over (partition by as_of, customer_id order by occurred_on) as next_on
            from customer_days
            where net_amount > 0
        ),

        staged as (
            select sends.as_of, sends.send_key, max_by(silence.stage, silence.day) as lifecycle_stage
            from sends
            inner join (select *, {{ lifecycle_stage_on_order('days_before') }} as order_stage from bought) as bought
                on sends.as_of = bought.as_of
                and sends.customer_id = bought.customer_id
                and bought.occurred_on < sends.sent_on
                and (bought.next_on is null or bought.next_on >= sends.sent_on)
            inner join {{ lifecycle_silence_paths() }} as silence (order_stage, day, stage)
                on bought.order_stage = silence.order_stage and bought.occurred_on + silence.day < sends.sent_on
            group by sends.as_of, sends.send_key
        ),

        mailboxes as (
            select mailbox_hash, min(split_part(email, '@', 2)) as email_domain, min(landed_on) as known_from
            from {{ ref('int_profiles__unioned') }}
            where email is not null and mailbox_hash is not null
            group by mailbox_hash
        ),

        described as (
            select
                sends.*,
                {{ week_of('sends.sent_on') }} as week_starts_on,
                case when staged.lifecycle_stage is null then 'non_buyers' else 'prior_buyers' end as buyer_cohort,
                'stage_' || staged.lifecycle_stage as lifecycle_cohort,
                {{ mailbox_provider('mailboxes.email_domain') }} as provider_cohort,
                {{ engagement_cohort('reactions.reacted_on', 'reactions.has_been_mailed', 'sends.sent_on') }} as engagement_cohort,
                sends.segment as segment_cohort
            from sends
            left join staged on sends.as_of = staged.as_of and sends.send_key = staged.send_key
            left join reactions on sends.as_of = reactions.as_of and sends.send_key = reactions.send_key
            left join mailboxes
                on sends.mailbox_hash = mailboxes.mailbox_hash and mailboxes.known_from <= sends.as_of
        )

        select * from described
    )
{%- endmacro %}
