{%- set reasons = [
    'no_consent', 'unsubscribed', 'complained', 'hard_bounced', 'invalid_or_role_address', 'erased',
    'internal_and_test_people', 'identity_uncertain', 'household_complaint', 'account_exclusion', 'sunset',
    'open_support_ticket', 'badly_rated_support_case', 'payment_failed', 'refund_open', 'order_delayed',
    'recently_converted', 'engager_cooldown'
] -%}
{{ refuse_unlisted('suppressions_', reasons) }}
with suppressed as (
    select
        cast(null as date) as as_of,
        cast(null as varchar) as scope,
        {%- for key in ['customer_id', 'mailbox_hash', 'household_id', 'account_id'] %}
        cast(null as varchar) as {{ key }},
        {%- endfor %}
        cast(null as varchar) as reason,
        cast(null as timestamp) as starts_at,
        cast(null as timestamp) as expires_at,
        cast(null as varchar) as evidence
    where false
    {%- for reason in reasons %}
    union all by name
    select * from {{ ref('suppressions_' ~ reason) }} where {{ in_window('as_of') }}
    {%- endfor %}
)

select * from suppressed
