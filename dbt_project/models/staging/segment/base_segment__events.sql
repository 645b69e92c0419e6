{{ config(enabled=is_enabled('segment')) }}

with landed as (
    select * from {{ landing_rows('segment', 'events') }}
),

typed as (
    select
        landed_on, file, row_number, raw, is_parsed,
        message_id as row_key,
        message_id,
        lower(type) as type,
        case
            when lower(type) = 'page' then 'Page Viewed'
            when lower(type) = 'screen' then 'Screen Viewed'
            when lower(type) = 'track' then event
        end as event,
        anonymous_id,
        user_id,
        {{ instant('occurred_at', 'coalesce("timestamp", original_timestamp, received_at)') }},
        {{ instant('received_at') }},
        {{ address('email', 'coalesce(trait_email, context_email, property_email)') }},
        {{ normalise_phone('coalesce(trait_phone, context_phone)', 'trait_country') }} as phone,
        {{ normalise_name('coalesce(trait_first_name, trait_first_name_snake)') }} as first_name,
        {{ normalise_name('coalesce(trait_last_name, trait_last_name_snake)') }} as last_name,
        trait_company as company,
        trait_address as address,
        trait_postcode as postcode,
        trait_city as city,
        {{ normalise_country('trait_country') }} as country,
        context_timezone as timezone,
        {{ parse_instant('coalesce(trait_created_at, trait_created_at_snake)') }} as user_created_at,
        coalesce(product_id, first_product_id) as product_id,
        coalesce(cart_id, checkout_id) as cart_id,
        order_id,
        lower(device_type) as device_type,
        coalesce(try_cast(property_opt_in as boolean), try_cast(trait_opt_in as boolean), false) as has_opted_in
    from landed
),

with_status as (
    {{ with_row_status('typed', [
        missing('message_id'),
        missing('type'),
        unknown_value('type', ['identify', 'track', 'page', 'screen', 'group', 'alias']),
        rule('missing_event', "type = 'track' and event is null", 'event is empty'),
        missing('occurred_at_text'),
        impossible_time('occurred_at'),
        impossible_time('received_at'),
    ]) }}
)

select * from with_status
