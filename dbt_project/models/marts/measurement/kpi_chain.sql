{%- set dimensions = ['segment', 'provider', 'engagement', 'lifecycle', 'buyer'] %}
{%- set counts = {
    'delivered': 'is_delivered', 'human_opens': 'is_opened', 'human_clicks': 'is_clicked', 'landings': 'is_landed',
    'conversions': 'is_converted', 'bounces': 'is_bounced', 'complaints': 'is_complained', 'unsubscribes': 'is_unsubscribed',
} %}
with sends as (
    select * from {{ described_sends() }} as sends
),

rules as (
    select * from {{ source('ops', 'attribution_rules') }}
),

counted as (
    select
        as_of,
        flow,
        case
            {%- for dimension in dimensions %}
            when grouping({{ dimension }}_cohort) = 0 then '{{ dimension }}'
            {%- endfor %}
            else 'everyone'
        end as dimension,
        case
            {%- for dimension in dimensions %}
            when grouping({{ dimension }}_cohort) = 0 then {{ dimension }}_cohort
            {%- endfor %}
            else 'all'
        end as cohort,
        week_starts_on,
        count(*) as sent,
        {%- for name, flag in counts.items() %}
        count(*) filter (where {{ flag }}) as {{ name }},
        {%- endfor %}
        {{ exact_sum('revenue') }} as revenue
    from sends
    group by grouping sets (
        (as_of, flow, week_starts_on)
        {%- for dimension in dimensions %},
        (as_of, flow, week_starts_on, {{ dimension }}_cohort)
        {%- endfor %}
    )
),

chain as (
    select
        counted.as_of,
        counted.flow,
        counted.dimension,
        counted.cohort,
        counted.week_starts_on,
        counted.week_starts_on + 6 + cast(ceil(rules.email_window_hours / 24.0) as integer) <= counted.as_of as is_settled,
        counted.sent,
        {%- for name in counts %}
        counted.{{ name }},
        {%- endfor %}
        cast(counted.revenue as double) as revenue,
        cast(counted.revenue / nullif(counted.delivered, 0) as double) as revenue_per_recipient
    from counted
    inner join rules on counted.as_of = rules.as_of
    where counted.cohort is not null
)

select * from chain
