-- depends_on: {{ source('shopify', 'products') }}
with landed as (
    select * from {{ landing_rows('shopify', 'products') }}
),

typed as (
    select
        landed_on,
        file,
        row_number,
        raw,
        is_parsed,
        id as row_key,
        id as product_id,
        title,
        product_type,
        coalesce(lower(status), 'active') as status,
        tags,
        list_min(list_transform(
            cast(json_extract_string(variants, '$[*].price') as varchar[]), lambda price: try_cast(price as decimal(18, 2))
        )) as price,
        json_extract_string(variants, '$[0].price') as price_text,
        cast(list_sum(list_transform(
            cast(json_extract_string(variants, '$[*].inventory_quantity') as varchar[]),
            lambda quantity: try_cast(quantity as integer)
        )) as integer) as stock,
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
        * exclude (updated_at_text, price_text),
        {{ verdict([
            missing('product_id'),
            impossible_time('updated_at'),
            no_number('price'),
            negative('price'),
            unknown_value('status', ['active', 'draft', 'archived', 'unlisted']),
        ]) }} as verdict
    from dated
),

with_status as (
    {{ with_row_status('judged', version_at='updated_at') }}
)

select * from with_status
