with suppressed as (
    {%- for reason in [
        'no_consent', 'unsubscribed', 'complained', 'hard_bounced', 'recently_converted', 'open_support_ticket',
        'identity_uncertain'
    ] %}
    select * from {{ ref('suppressions_' ~ reason) }} where {{ in_window('as_of') }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select * from suppressed
