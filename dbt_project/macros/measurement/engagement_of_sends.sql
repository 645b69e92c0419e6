{#- For emails (as_of, send_key, mailbox_hash, sent_on): what the mailbox was sent, and when its readers reacted, in the 90 days before the
    day of the send, so that the email itself cannot have moved it. Mailboxes that got nothing are not in it. -#}
{% macro engagement_of_sends(sends) -%}
    (
        select
            sends.as_of,
            sends.send_key,
            max(days.occurred_on) filter (where days.human_opens + days.human_clicks > 0) as reacted_on,
            bool_or(days.delivered > 0) as has_been_mailed
        from {{ sends }} as sends
        inner join {{ ref('int_email_days__aggregated') }} as days
            on days.profile_key = 'mailbox:' || sends.mailbox_hash
            and days.landed_on <= sends.as_of
            and days.occurred_on between sends.sent_on - 90 and sends.sent_on - 1
        group by sends.as_of, sends.send_key
    )
{%- endmacro %}
