{{ config(materialized='ephemeral', enabled=is_enabled('shopify')) }}

with customers as (
    select * from {{ ref('base_shopify__customers') }} where {{ is_staged() }}
),

profiles as (
    select
        landed_on, 'shopify:' || customer_id as profile_key, email, phone, customer_id as user_id, first_name, last_name,
        address, postcode, city, country, company, created_at, updated_at
    from customers
)

select * from profiles
