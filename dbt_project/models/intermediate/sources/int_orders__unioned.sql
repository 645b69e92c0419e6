with shopify_orders as (
    select * from {{ ref('stg_shopify__orders') }} where {{ in_window('landed_on') }}
),

plain_orders as (
    select * from {{ ref('stg_plain__orders') }} where {{ in_window('landed_on') }}
),

plain_lines as (
    select * from {{ ref('stg_plain__order_lines') }} where landed_on <= {{ window_end() }}
),

known_lines as (
    select
        plain_orders.order_id,
        plain_orders.landed_on,
        plain_lines.quantity * plain_lines.unit_price as line_amount,
        row_number() over (
            partition by plain_orders.order_id, plain_orders.landed_on, plain_lines.line_number
            order by plain_lines.landed_on desc
        ) as newest_first
    from plain_orders
    inner join plain_lines on plain_orders.order_id = plain_lines.order_id
        and plain_lines.landed_on <= plain_orders.landed_on
    where plain_orders.total_amount is null
),

line_totals as (
    select order_id, landed_on, sum(line_amount) as total_amount
    from known_lines
    where newest_first = 1
    group by order_id, landed_on
),

unioned as (
    select
        'shopify:' || order_id as order_key,
        'shopify' as source,
        landed_on,
        case
            when customer_id is not null then 'shopify:' || customer_id
            else 'mailbox:' || {{ hash_identifier('email') }}
        end as profile_key,
        email,
        coalesce(processed_at, created_at) as ordered_at,
        updated_at,
        coalesce(cancelled_at, updated_at) as closed_at,
        case
            when cancelled_at is not null or financial_status in ('voided', 'expired') then 'cancelled'
            when financial_status in ('authorized', 'partially_paid') then 'pending'
            else financial_status
        end as status,
        currency,
        total_price as total_amount,
        total_discounts as discount_amount,
        is_renewal,
        is_test
    from shopify_orders
    union all
    select
        'plain:' || plain_orders.order_id as order_key,
        'plain' as source,
        plain_orders.landed_on,
        case
            when plain_orders.profile_id is not null then 'plain:' || plain_orders.profile_id
            else 'mailbox:' || {{ hash_identifier('plain_orders.email') }}
        end as profile_key,
        plain_orders.email,
        plain_orders.ordered_at,
        plain_orders.updated_at,
        plain_orders.updated_at as closed_at,
        plain_orders.status,
        plain_orders.currency,
        coalesce(plain_orders.total_amount, line_totals.total_amount, 0) as total_amount,
        plain_orders.discount_amount,
        plain_orders.is_renewal,
        plain_orders.is_test
    from plain_orders
    left join line_totals on plain_orders.order_id = line_totals.order_id
        and plain_orders.landed_on = line_totals.landed_on
),

charged as (
    select
        * replace (cast(total_amount as decimal(18, 2)) as total_amount),
        cast(case when is_test or status = 'pending' then 0 else total_amount end as decimal(18, 2)) as gross_amount
    from unioned
)

select * from charged
