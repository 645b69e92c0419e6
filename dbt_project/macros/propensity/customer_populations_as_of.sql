{#- Whom the models are about: every customer with each population that it belonged to on each day of a relation that has a column
    as_of. A task names its population in ml/propensity/tasks; training and scoring both ask here, so it has only one meaning.
    buyers: had ordered. new_subscribers: said yes to emails for the first time in the last 90 days, did not take it back, and had not
    ordered. mailed: got an email in the last 90 days, and never unsubscribed, complained or bounced by one. -#}
{% macro customer_populations_as_of(days) -%}
    (
        with resolved as (
            select * from {{ resolved_profiles(days) }}
        ),

        buyers as (
            select distinct as_of, customer_id from {{ customer_order_days(days) }} as order_days where net_amount > 0
        ),

        mailed as (
            select resolved.as_of, resolved.customer_id
            from resolved
            inner join {{ ref('int_email_days__aggregated') }} as email_days
                on resolved.profile_key = email_days.profile_key
                and email_days.landed_on <= resolved.as_of
                and email_days.occurred_on <= resolved.as_of
            group by resolved.as_of, resolved.customer_id
            having sum(email_days.unsubscribes + email_days.complaints + email_days.bounces) = 0
                and max(email_days.occurred_on) filter (where email_days.delivered > 0) > resolved.as_of - 90
        ),

        addresses as (
            select profile_key, mailbox_hash, min(landed_on) as first_landed_on
            from {{ ref('int_profiles__unioned') }}
            where mailbox_hash is not null
            group by profile_key, mailbox_hash
        ),

        -- Statements are folded by mailbox, and mailboxes made distinct, before they meet: a mailbox has many of both.
        statements as (
            select
                days.as_of,
                evidence.mailbox_hash,
                min({{ business_day('evidence.occurred_at') }}) filter (where evidence.is_affirmative) as first_yes_on,
                max(evidence.occurred_at) filter (where evidence.is_affirmative) as last_yes_at,
                max(evidence.occurred_at) filter (
                    where evidence.statement in ('unsubscribed', 'complained', 'bounced')
                ) as last_no_at
            from {{ days }} as days
            inner join {{ ref('int_consent_evidence__unioned') }} as evidence on evidence.landed_on <= days.as_of
            where coalesce(evidence.channel, 'email') = 'email'
                and evidence.topic is null
                and {{ business_day('evidence.occurred_at') }} <= days.as_of
            group by days.as_of, evidence.mailbox_hash
        ),

        mailboxes as (
            select distinct resolved.as_of, resolved.customer_id, addresses.mailbox_hash
            from resolved
            inner join addresses
                on resolved.profile_key = addresses.profile_key and addresses.first_landed_on <= resolved.as_of
        ),

        subscribers as (
            select mailboxes.as_of, mailboxes.customer_id
            from mailboxes
            inner join statements
                on mailboxes.as_of = statements.as_of and mailboxes.mailbox_hash = statements.mailbox_hash
            group by mailboxes.as_of, mailboxes.customer_id
            having min(statements.first_yes_on) > mailboxes.as_of - 90
                and max(statements.last_yes_at) > coalesce(max(statements.last_no_at), timestamp '1970-01-01')
        )

        select as_of, customer_id, 'buyers' as population from buyers
        union all
        select as_of, customer_id, 'mailed' as population from mailed
        union all
        select subscribers.as_of, subscribers.customer_id, 'new_subscribers' as population
        from subscribers
        left join buyers
            on subscribers.as_of = buyers.as_of and subscribers.customer_id = buyers.customer_id
        where buyers.customer_id is null
    )
{%- endmacro %}
