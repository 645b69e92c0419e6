with products as (
    select * from {{ ref('int_products__versioned') }}
)

select product_key, source, landed_on, title, category, price as price_amount, currency, stock, is_active from products
