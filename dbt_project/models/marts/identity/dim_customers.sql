with traits as (
    select * from {{ ref('int_customer_traits__picked') }} where {{ in_window('as_of') }}
),

grouped as (
    select * from {{ ref('int_customers__grouped') }} where {{ in_window('as_of') }}
),

consent as (
    select * from {{ ref('int_customer_consent__folded') }} where {{ in_window('as_of') }}
),

orders as (
    select * from {{ ref('int_customer_orders__summarised') }} where {{ in_window('as_of') }}
),

lifecycle as (
    select * from {{ ref('int_customer_lifecycle__staged') }} where {{ in_window('as_of') }}
),

identifiers as (
    select * from {{ ref('int_customer_identifiers__counted') }} where {{ in_window('as_of') }}
),

-- What each day's playbook asks of consent, by country; a country that it does not name has the rule without one.
rules as (
    select * from {{ source('ops', 'consent_rules') }} where {{ in_window('as_of') }}
),

limits as (
    select * from {{ source('ops', 'identity_limits') }} where {{ in_window('as_of') }}
),

value_thresholds as (
    select
        as_of,
        {{ quantile('net_amount_total', 0.5) }} as mid_amount,
        {{ quantile('net_amount_total', 0.8) }} as high_amount
    from orders
    where net_amount_total > 0
    group by as_of
),

described as (
    select
        traits.as_of,
        traits.customer_id,
        consent.primary_email,
        consent.mailbox_hash,
        consent.mailbox_reason,
        grouped.account_id,
        grouped.household_id,
        traits.first_seen_on,
        coalesce(consent.consent_status, 'unknown') as consent_status,
        consent.consent_evidence_id,
        lifecycle.lifecycle_stage,
        case
            when coalesce(orders.net_amount_total, 0) <= 0 then 'none'
            when orders.net_amount_total > value_thresholds.high_amount then 'high'
            when orders.net_amount_total > value_thresholds.mid_amount then 'mid'
            else 'low'
        end as value_tier,
        {%- for trait in ['first_name', 'country', 'timezone', 'company'] %}
        traits.{{ trait }},
        traits.{{ trait }}_source,
        traits.{{ trait }}_seen_on,
        {%- endfor %}
        traits.address_source,
        traits.address_seen_on,
        orders.last_order_on,
        coalesce(consent.is_confirmed, false) as is_confirmed,
        coalesce(own_rule.requires, other_rule.requires) as requires,
        case
            when own_rule.as_of is not null then own_rule.implied_months else other_rule.implied_months
        end as implied_months,
        coalesce(
            greatest(identifiers.email_count, identifiers.phone_count, identifiers.device_count) > 5
            or identifiers.user_id_count > 1,
            false
        )
        or coalesce(traits.profile_count > limits.most_profiles, false) as is_identity_uncertain
    from traits
    {%- for part in ['grouped', 'consent', 'orders', 'lifecycle', 'identifiers'] %}
    left join {{ part }} on traits.as_of = {{ part }}.as_of and traits.customer_id = {{ part }}.customer_id
    {%- endfor %}
    left join value_thresholds on traits.as_of = value_thresholds.as_of
    left join limits on traits.as_of = limits.as_of
    left join rules as own_rule on traits.as_of = own_rule.as_of and traits.country = own_rule.country
    left join rules as other_rule on traits.as_of = other_rule.as_of and other_rule.country is null
),

permitted as (
    select
        * exclude (is_confirmed, requires, implied_months, last_order_on),
        case
            when consent_status = 'subscribed' and is_confirmed then 'confirmed'
            when consent_status = 'subscribed' and requires = 'subscribed' then 'subscribed'
            when consent_status in ('subscribed', 'imported', 'pending', 'unknown')
                and cast(last_order_on + to_months(implied_months) as date) > as_of + 1 then 'implied'
        end as consent_basis,
        cast(last_order_on + to_months(implied_months) as date) as implied_until
    from described
),

customers as (
    select
        * exclude (implied_until), case when consent_basis = 'implied' then implied_until end as consent_expires_on
    from permitted
)

select * from customers
