{{ config(materialized='ephemeral', enabled=is_enabled('plain')) }}

with landed as (
    select * from {{ ref('base_plain__orders') }} where {{ is_staged() }}
),

lines as (
    select * from {{ ref('base_plain__order_lines') }} where row_status = 'staged' and landed_on <= {{ window_end() }}
),

known_lines as (
    select
        landed.order_id,
        landed.landed_on,
        lines.quantity * lines.unit_price as line_amount,
        row_number() over (
            partition by landed.order_id, landed.landed_on, lines.line_number order by lines.landed_on desc
        ) as newest_first
    from landed
    inner join lines on landed.order_id = lines.order_id and lines.landed_on <= landed.landed_on
    where landed.total_amount is null
),

line_totals as (
    select order_id, landed_on, sum(line_amount) as total_amount
    from known_lines
    where newest_first = 1
    group by order_id, landed_on
),

orders as (
    select
        landed.landed_on,
        'plain:' || landed.order_id as order_key,
        'plain:' || landed.profile_id as profile_key,
        landed.email,
        landed.ordered_at,
        landed.updated_at,
        landed.updated_at as closed_at,
        landed.status,
        case landed.status
            when 'pending' then 'outstanding'
            when 'cancelled' then null
            else 'secured'
        end as payment_status,
        landed.currency,
        cast(coalesce(landed.total_amount, line_totals.total_amount, 0) as decimal(18, 2)) as total_amount,
        landed.discount_amount,
        landed.tax_amount,
        landed.shipping_amount,
        landed.is_renewal,
        landed.is_test
    from landed
    left join line_totals on landed.order_id = line_totals.order_id and landed.landed_on = line_totals.landed_on
)

select * from orders
