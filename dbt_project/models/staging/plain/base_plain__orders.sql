-- depends_on: {{ source('plain', 'orders') }}
with landed as (
    select * from {{ landing_rows('plain', 'orders') }}
),

typed as (
    select
        landed_on,
        file,
        row_number,
        raw,
        is_parsed,
        order_id as row_key,
        order_id,
        profile_id,
        {{ normalise_email('email') }} as email,
        {{ parse_instant('ordered_at') }} as ordered_at,
        ordered_at as ordered_at_text,
        {{ parse_instant('coalesce(updated_at, ordered_at)') }} as updated_at,
        updated_at as updated_at_text,
        coalesce(lower(status), 'paid') as status,
        upper(currency) as currency,
        try_cast(total_amount as decimal(18, 2)) as total_amount,
        total_amount as total_amount_text,
        try_cast(discount_amount as decimal(18, 2)) as discount_amount,
        discount_amount as discount_amount_text,
        try_cast(tax_amount as decimal(18, 2)) as tax_amount,
        tax_amount as tax_amount_text,
        try_cast(shipping_amount as decimal(18, 2)) as shipping_amount,
        shipping_amount as shipping_amount_text,
        coalesce(try_cast(is_renewal as boolean), false) as is_renewal,
        coalesce(try_cast(is_test as boolean), false) as is_test
    from landed
),

judged as (
    select
        * exclude (
            ordered_at_text, updated_at_text, total_amount_text, discount_amount_text, tax_amount_text,
            shipping_amount_text
        ),
        {{ verdict([
            missing('order_id'),
            missing('ordered_at_text'),
            impossible_time('ordered_at'),
            impossible_time('updated_at'),
            no_number('total_amount'),
            no_number('discount_amount'),
            no_number('tax_amount'),
            no_number('shipping_amount'),
            unknown_value('status', ['paid', 'pending', 'refunded', 'partially_refunded', 'cancelled']),
        ]) }} as verdict
    from typed
),

with_status as (
    {{ with_row_status('judged', version_at='updated_at') }}
)

select * from with_status
