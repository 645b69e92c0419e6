{#- What every customer did with every product, as it was known on each day of a relation that has a column as_of: a sum over days, each
    worth less the older it is (affinity_signals). purchase_weight is distinct days on which it was bought, interest_weight all signs. What
    is booked like a product and is none (seeds/blocked_products.csv) is left out. -#}
{% macro product_interests_as_of(days) -%}
    {%- set signals = affinity_signals() %}
    (
        select
            as_of,
            customer_id,
            product_key,
            cast(sum(order_days) as integer) as order_day_count,
            max(occurred_on) filter (where order_days > 0) as last_ordered_on,
            cast(
                sum(order_days * {{ decayed('1', 'as_of - occurred_on', signals.order_days.half_life_days) }})
                as decimal(9, 4)
            ) as purchase_weight,
            cast(
                sum(
                    {%- for signal, worth in signals.items() %}
                    {{ '+ ' if not loop.first }}{{ worth.weight }}
                    * {{ decayed(signal, 'as_of - occurred_on', worth.half_life_days) }}
                    {%- endfor %}
                ) as decimal(9, 4)
            ) as interest_weight
        from (
            select
                resolved.as_of,
                resolved.customer_id,
                product_days.product_key,
                product_days.occurred_on,
                cast(sum(product_days.product_views) as bigint) as product_views,
                cast(sum(product_days.carts) as bigint) as carts,
                cast(sum(product_days.ordered_quantity) > 0 as bigint) as order_days
            from {{ resolved_profiles(days) }} as resolved
            inner join {{ ref('int_product_days__aggregated') }} as product_days
                on resolved.profile_key = product_days.profile_key
                and product_days.landed_on <= resolved.as_of
                and product_days.occurred_on <= resolved.as_of
            left join {{ ref('blocked_products') }} as blocked on product_days.product_key = blocked.product_key
            where blocked.product_key is null
            group by resolved.as_of, resolved.customer_id, product_days.product_key, product_days.occurred_on
        ) as customer_days
        where product_views > 0 or carts > 0 or order_days > 0
        group by as_of, customer_id, product_key
    )
{%- endmacro %}
