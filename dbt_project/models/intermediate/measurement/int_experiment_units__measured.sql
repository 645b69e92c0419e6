{%- set late_days = 2 %}
with units as (
    select * from {{ ref('int_experiment_units__entered') }} where {{ in_window('as_of') }}
),

web_events as (
    select * from {{ ref('int_web_events__unioned') }}
),

described as (
    select * from {{ ref('int_experiment_units__described') }} where {{ in_window('as_of') }}
),

credited as (
    select * from {{ ref('int_experiment_units__credited') }} where {{ in_window('as_of') }}
),

orders as (
    select * from {{ customer_orders(as_of_days()) }} as orders
),

-- When an order became known, which later versions of it do not change.
first_landings as (
    select order_key, min(landed_on) as first_landed_on from {{ ref('int_orders__versioned') }} group by order_key
),

internal as (
    select distinct mailboxes.as_of, mailboxes.customer_id
    from {{ ref('int_customer_mailboxes__resolved') }} as mailboxes
    inner join {{ source('ops', 'internal_domains') }} as domains
        on mailboxes.as_of = domains.as_of
        and ('.' || split_part(mailboxes.email, '@', 2)) like ('%.' || domains.domain)
    where {{ in_window('mailboxes.as_of') }}
),

unit_profiles as (
    select units.as_of, units.experiment, units.customer_id, units.entered_at, units.entered_on, resolved.profile_key
    from units
    inner join {{ resolved_profiles(as_of_days()) }} as resolved
        on units.as_of = resolved.as_of and units.customer_id = resolved.customer_id
),

-- The day on which a first visit became known does not depend on as_of: found once, not once a day.
first_visits as (
    select entries.profile_key, entries.entered_at, min(web_events.landed_on) as visible_from
    from (select distinct profile_key, entered_at, entered_on from unit_profiles) as entries
    inner join web_events
        on entries.profile_key = web_events.profile_key
        and web_events.occurred_at >= entries.entered_at
        and web_events.occurred_on <= entries.entered_on + 13
    group by entries.profile_key, entries.entered_at
),

visitors as (
    select distinct unit_profiles.as_of, unit_profiles.experiment, unit_profiles.customer_id
    from unit_profiles
    inner join first_visits
        on unit_profiles.profile_key = first_visits.profile_key
        and unit_profiles.entered_at = first_visits.entered_at
        and first_visits.visible_from <= unit_profiles.as_of
),

spent as (
    select
        units.as_of,
        units.experiment,
        units.customer_id,
        coalesce(bool_or(orders.ordered_at < units.entered_at), false) as is_prior_buyer,
        cast(coalesce(sum(orders.net_amount) filter (
            where orders.ordered_at >= units.entered_at and orders.ordered_on <= units.entered_on + 13
        ), 0) as double) as revenue,
        cast(coalesce(sum(orders.discount_amount) filter (
            where orders.ordered_at >= units.entered_at and orders.ordered_on <= units.entered_on + 13
        ), 0) as double) as discount_amount,
        coalesce(bool_or(first_landings.first_landed_on > orders.ordered_on + {{ late_days }}) filter (
            where orders.ordered_at >= units.entered_at and orders.ordered_on <= units.entered_on + 13
        ), false) as has_late_order
        {%- for week in range(1, 5) %},
        coalesce(bool_or(
            orders.ordered_at >= units.entered_at
            and orders.ordered_on between units.entered_on + {{ 7 * week - 7 }} and units.entered_on + {{ 7 * week - 1 }}
        ), false) as has_bought_week_{{ week }}
        {%- endfor %}
    from units
    left join orders on units.as_of = orders.as_of and units.customer_id = orders.customer_id
    left join first_landings on orders.order_key = first_landings.order_key
    group by units.as_of, units.experiment, units.customer_id
),

measured as (
    select
        units.*,
        coalesce(credited.is_leaked, false) as is_leaked,
        internal.customer_id is not null as is_internal,
        units.has_two_arms or units.shares_mailbox or coalesce(credited.is_leaked, false) or internal.customer_id is not null
            as is_contaminated,
        units.entered_on + 13 as matured_on,
        case when spent.is_prior_buyer then 'prior_buyers' else 'non_buyers' end as buyer_segment,
        {%- for part in ['lifecycle', 'recency', 'device', 'value', 'provider'] %}
        described.{{ part }}_segment,
        {%- endfor %}
        described.prior_spend,
        cast(spent.revenue > 0 as double) as conversion,
        spent.revenue,
        case when described.revenue_cap is not null then least(spent.revenue, described.revenue_cap) end as revenue_capped,
        cast(visitors.customer_id is not null as double) as visit,
        spent.discount_amount,
        spent.has_late_order,
        {%- for week in range(1, 5) %}
        spent.has_bought_week_{{ week }},
        {%- endfor %}
        coalesce(credited.last_click_amount, 0) as last_click_amount,
        coalesce(credited.assisted_amount, 0) as assisted_amount,
        coalesce(credited.has_left, false) as has_left
    from units
    inner join spent
        on units.as_of = spent.as_of
        and units.experiment = spent.experiment
        and units.customer_id = spent.customer_id
    inner join described
        on units.as_of = described.as_of
        and units.experiment = described.experiment
        and units.customer_id = described.customer_id
    left join visitors
        on units.as_of = visitors.as_of
        and units.experiment = visitors.experiment
        and units.customer_id = visitors.customer_id
    left join credited
        on units.as_of = credited.as_of
        and units.experiment = credited.experiment
        and units.customer_id = credited.customer_id
    left join internal on units.as_of = internal.as_of and units.customer_id = internal.customer_id
)

select * from measured
