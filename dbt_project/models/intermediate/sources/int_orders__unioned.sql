with orders as (
    select * from {{ unioned('orders') }}
),

unioned as (
    select
        * exclude (phone, user_id) replace ({{ profile_or_mailbox() }} as profile_key),
        cast(case when is_test or status = 'pending' then 0 else total_amount end as decimal(18, 2)) as gross_amount
    from orders
)

select * from unioned
