{{ config(materialized='view') }}

with landed as (
    select * from {{ ref('base_shopify__customers') }}
),

staged as (
    select
        landed_on,
        file,
        row_number,
        customer_id,
        email,
        phone,
        first_name,
        last_name,
        company,
        address,
        postcode,
        city,
        country,
        state,
        tags,
        consent_state,
        consent_at,
        created_at,
        updated_at
    from landed
    where row_status = 'staged'
)

select * from staged
