{{ config(materialized='ephemeral', enabled=is_enabled('plain')) }}

with landed as (
    select * from {{ ref('base_plain__rates') }} where {{ is_staged() }}
),

rates as (
    select landed_on, rate_on, currency, to_currency, rate from landed
)

select * from rates
