{{ config(enabled=is_enabled('plain')) }}

with landed as (
    select * from {{ landing_rows('plain', 'products') }}
),

typed as (
    select
        landed_on, file, row_number, raw, is_parsed,
        product_id as row_key,
        product_id,
        title,
        category,
        {{ number('price', 'decimal(18, 2)') }},
        {{ currency('currency') }},
        {{ number('stock', 'integer') }},
        {{ version_instant('updated_at') }}
    from landed
),

with_status as (
    {{ with_row_status('typed', [
        missing('product_id'),
        no_number('price'),
        no_number('stock'),
        negative('price'),
        impossible_time('updated_at'),
        rule('no_currency', 'currency_text is not null and currency is null', 'currency is no ISO code'),
    ], version_at='updated_at') }}
)

select * from with_status
