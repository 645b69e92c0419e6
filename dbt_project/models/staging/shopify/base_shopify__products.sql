{{ config(enabled=is_enabled('shopify')) }}

with landed as (
    select * from {{ landing_rows('shopify', 'products') }}
),

typed as (
    select
        landed_on, file, row_number, raw, is_parsed,
        id as row_key,
        id as product_id,
        title,
        product_type,
        case when try_cast(is_deleted as boolean) then 'archived' else coalesce(lower(status), 'active') end as status,
        tags,
        list_min(list_transform(
            cast(json_extract_string(variants, '$[*].price') as varchar[]), lambda price: try_cast(price as decimal(18, 2))
        )) as price,
        json_extract_string(variants, '$[0].price') as price_text,
        cast(list_sum(list_transform(
            cast(json_extract_string(variants, '$[*].inventory_quantity') as varchar[]),
            lambda quantity: try_cast(quantity as integer)
        )) as integer) as stock,
        {{ version_instant('updated_at', 'coalesce(updated_at, created_at)', zone='UTC') }}
    from landed
),

with_status as (
    {{ with_row_status('typed', [
        missing('product_id'),
        impossible_time('updated_at'),
        no_number('price'),
        negative('price'),
        unknown_value('status', ['active', 'draft', 'archived', 'unlisted']),
    ], version_at='updated_at') }}
)

select * from with_status
