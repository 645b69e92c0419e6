{{ config(enabled=is_enabled('plain')) }}

with landed as (
    select * from {{ landing_rows('plain', 'order_lines') }}
),

typed as (
    select
        landed_on, file, row_number, raw, is_parsed,
        concat_ws(chr(31), order_id, line_number) as row_key,
        order_id,
        {{ number('line_number', 'integer') }},
        product_id,
        description,
        category,
        {{ number('quantity', 'integer') }},
        {{ number('unit_price', 'decimal(18, 4)') }},
        cast(landed_on as timestamp) as delivered_at
    from landed
),

with_status as (
    {{ with_row_status('typed', [
        missing('order_id'),
        missing('line_number_text'),
        no_number('line_number'),
        missing('quantity_text'),
        no_number('quantity'),
        no_number('unit_price'),
        negative('unit_price'),
    ], version_at='delivered_at') }}
)

select * from with_status
