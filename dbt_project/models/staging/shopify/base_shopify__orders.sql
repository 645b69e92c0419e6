-- depends_on: {{ source('shopify', 'orders') }}
with landed as (
    select * from {{ landing_rows('shopify', 'orders') }}
),

typed as (
    select
        landed_on,
        file,
        row_number,
        raw,
        is_parsed,
        id as row_key,
        id as order_id,
        customer_id,
        {{ normalise_email('coalesce(email, contact_email, customer_email)') }} as email,
        {{ normalise_phone('coalesce(phone, shipping_phone)') }} as phone,
        coalesce(customer_first_name, shipping_first_name) as first_name,
        coalesce(customer_last_name, shipping_last_name) as last_name,
        shipping_address,
        shipping_postcode,
        shipping_city,
        shipping_country,
        {{ parse_instant('created_at') }} as created_at,
        created_at as created_at_text,
        {{ parse_instant('processed_at') }} as processed_at,
        processed_at as processed_at_text,
        {{ parse_instant('coalesce(updated_at, created_at)') }} as updated_at,
        updated_at as updated_at_text,
        {{ parse_instant('cancelled_at') }} as cancelled_at,
        cancelled_at as cancelled_at_text,
        coalesce(lower(financial_status), 'pending') as financial_status,
        upper(currency) as currency,
        try_cast(total_price as decimal(18, 2)) as total_price,
        total_price as total_price_text,
        try_cast(total_discounts as decimal(18, 2)) as total_discounts,
        total_discounts as total_discounts_text,
        coalesce(try_cast(test as boolean), false) as is_test,
        coalesce(regexp_matches(tags, '(^|,)\s*Subscription Recurring Order\s*(,|$)'), false) as is_renewal,
        source_name,
        cart_token,
        checkout_token,
        line_items,
        refunds
    from landed
),

judged as (
    select
        * exclude (
            created_at_text, processed_at_text, updated_at_text, cancelled_at_text, total_price_text, total_discounts_text
        ),
        {{ verdict([
            missing('order_id'),
            missing('created_at_text'),
            impossible_time('created_at'),
            impossible_time('processed_at'),
            impossible_time('updated_at'),
            impossible_time('cancelled_at'),
            missing('total_price_text'),
            no_number('total_price'),
            no_number('total_discounts'),
            negative('total_price'),
            unknown_value('financial_status', [
                'pending', 'authorized', 'partially_paid', 'paid', 'partially_refunded', 'refunded', 'voided', 'expired'
            ]),
        ]) }} as verdict
    from typed
),

with_status as (
    {{ with_row_status('judged', version_at='updated_at') }}
)

select * from with_status
