-- depends_on: {{ source('plain', 'order_lines') }}
with landed as (
    select * from {{ landing_rows('plain', 'order_lines') }}
),

typed as (
    select
        landed_on,
        file,
        row_number,
        raw,
        is_parsed,
        concat_ws(chr(31), order_id, line_number) as row_key,
        order_id,
        try_cast(line_number as integer) as line_number,
        line_number as line_number_text,
        product_id,
        description,
        category,
        try_cast(quantity as integer) as quantity,
        quantity as quantity_text,
        try_cast(unit_price as decimal(18, 4)) as unit_price,
        unit_price as unit_price_text,
        cast(landed_on as timestamp) as delivered_at
    from landed
),

judged as (
    select
        * exclude (line_number_text, quantity_text, unit_price_text),
        {{ verdict([
            missing('order_id'),
            missing('line_number_text'),
            no_number('line_number'),
            missing('quantity_text'),
            no_number('quantity'),
            no_number('unit_price'),
            negative('unit_price'),
        ]) }} as verdict
    from typed
),

with_status as (
    {{ with_row_status('judged', version_at='delivered_at') }}
)

select * from with_status
