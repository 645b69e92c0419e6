{{ config(enabled=is_enabled('plain')) }}

with landed as (
    select * from {{ landing_rows('plain', 'orders') }}
),

typed as (
    select
        landed_on, file, row_number, raw, is_parsed,
        order_id as row_key,
        order_id,
        profile_id,
        {{ address('email') }},
        {{ instant('ordered_at') }},
        {{ instant('updated_at', 'coalesce(updated_at, ordered_at)') }},
        coalesce(lower(status), 'paid') as status,
        {{ currency('currency') }},
        {{ number('total_amount', 'decimal(18, 2)') }},
        {{ number('discount_amount', 'decimal(18, 2)') }},
        {{ number('tax_amount', 'decimal(18, 2)') }},
        {{ number('shipping_amount', 'decimal(18, 2)') }},
        {{ flag('is_renewal') }} as is_renewal,
        {{ flag('is_test') }} as is_test
    from landed
),

with_status as (
    {{ with_row_status('typed', [
        missing('order_id'),
        missing('ordered_at_text'),
        impossible_time('ordered_at'),
        impossible_time('updated_at'),
        no_number('total_amount'),
        no_number('discount_amount'),
        no_number('tax_amount'),
        no_number('shipping_amount'),
        unknown_value('status', ['paid', 'pending', 'refunded', 'partially_refunded', 'cancelled']),
        rule('no_currency', 'currency_text is not null and currency is null', 'currency is no ISO code'),
    ], version_at='updated_at') }}
)

select * from with_status
