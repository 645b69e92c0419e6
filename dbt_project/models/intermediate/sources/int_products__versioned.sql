with shopify_products as (
    select * from {{ ref('stg_shopify__products') }} where {{ in_window('landed_on') }}
),

plain_products as (
    select * from {{ ref('stg_plain__products') }} where {{ in_window('landed_on') }}
),

versioned as (
    select
        product_id as product_key,
        'shopify' as source,
        landed_on,
        title,
        product_type as category,
        price,
        cast(null as varchar) as currency,
        stock,
        status = 'active' as is_active,
        updated_at
    from shopify_products
    union all
    select
        product_id as product_key, 'plain' as source, landed_on, title, category, price, currency, stock,
        true as is_active, updated_at
    from plain_products
)

select * from versioned
