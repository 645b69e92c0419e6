-- depends_on: {{ source('shopify', 'customers') }}
with landed as (
    select * from {{ landing_rows('shopify', 'customers') }}
),

typed as (
    select
        landed_on,
        file,
        row_number,
        raw,
        is_parsed,
        id as row_key,
        id as customer_id,
        {{ normalise_email('email') }} as email,
        {{ normalise_phone('phone') }} as phone,
        coalesce(first_name, address_first_name) as first_name,
        coalesce(last_name, address_last_name) as last_name,
        company,
        address,
        postcode,
        city,
        country,
        state,
        tags,
        coalesce(
            consent_state,
            case try_cast(accepts_marketing as boolean) when true then 'subscribed' when false then 'not_subscribed' end
        ) as consent_state,
        {{ parse_instant('case when consent_state is null then accepts_marketing_updated_at else consent_updated_at end') }} as consent_at,
        case when consent_state is null then accepts_marketing_updated_at else consent_updated_at end as consent_at_text,
        {{ parse_instant('created_at') }} as created_at,
        created_at as created_at_text,
        {{ parse_instant('coalesce(updated_at, created_at)') }} as updated_at,
        coalesce(updated_at, created_at) as updated_at_text
    from landed
),

dated as (
    select * replace (coalesce(updated_at, case when updated_at_text is null then cast(landed_on as timestamp) end) as updated_at)
    from typed
),

judged as (
    select
        * exclude (consent_at_text, created_at_text, updated_at_text),
        {{ verdict([
            missing('customer_id'),
            impossible_time('created_at'),
            impossible_time('updated_at'),
            impossible_time('consent_at'),
            unknown_value('consent_state', ['subscribed', 'not_subscribed', 'unsubscribed', 'pending', 'invalid', 'redacted']),
        ]) }} as verdict
    from dated
),

with_status as (
    {{ with_row_status('judged', version_at='updated_at') }}
)

select * from with_status
