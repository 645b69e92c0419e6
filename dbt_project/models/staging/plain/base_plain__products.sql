-- depends_on: {{ source('plain', 'products') }}
with landed as (
    select * from {{ landing_rows('plain', 'products') }}
),

typed as (
    select
        landed_on,
        file,
        row_number,
        raw,
        is_parsed,
        product_id as row_key,
        product_id,
        title,
        category,
        try_cast(price as decimal(18, 2)) as price,
        price as price_text,
        upper(currency) as currency,
        try_cast(stock as integer) as stock,
        stock as stock_text,
        {{ parse_instant('updated_at') }} as updated_at,
        updated_at as updated_at_text
    from landed
),

dated as (
    select * replace (coalesce(updated_at, case when updated_at_text is null then cast(landed_on as timestamp) end) as updated_at)
    from typed
),

judged as (
    select
        * exclude (price_text, stock_text, updated_at_text),
        {{ verdict([
            missing('product_id'),
            no_number('price'),
            no_number('stock'),
            negative('price'),
            impossible_time('updated_at'),
        ]) }} as verdict
    from dated
),

with_status as (
    {{ with_row_status('judged', version_at='updated_at') }}
)

select * from with_status
