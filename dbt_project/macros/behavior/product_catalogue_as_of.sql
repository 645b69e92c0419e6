{#- Every product that landed or was bought, as known on each day of a relation that has a column as_of. It can be had if a source that tells
    of products offers it and does not count its stock as zero; a product of which no source tells, if it was bought lately. -#}
{% macro product_catalogue_as_of(days) -%}
    {%- set sold_within_days = 90 %}
    (
        with told as (
            select
                as_of,
                product_key,
                max_by(category, source) filter (where category is not null) as category,
                bool_or(is_active and coalesce(stock, 1) > 0) as is_available
            from {{ versions_as_of(ref('int_products__versioned'), 'product_key, source', days) }} as products
            group by as_of, product_key
        ),

        sold as (
            select
                days.as_of,
                booked.product_key,
                max_by(booked.category, (booked.landed_on, booked.category))
                    filter (where booked.category is not null) as category,
                max(booked.occurred_on) as last_ordered_on
            from {{ days }} as days
            inner join {{ ref('int_ordered_products__booked') }} as booked
                on booked.landed_on <= days.as_of and booked.occurred_on <= days.as_of
            where booked.product_key is not null and booked.quantity > 0
            group by days.as_of, booked.product_key
        )

        select
            coalesce(told.as_of, sold.as_of) as as_of,
            coalesce(told.product_key, sold.product_key) as product_key,
            coalesce(told.category, sold.category) as category,
            coalesce(told.is_available, sold.last_ordered_on > sold.as_of - {{ sold_within_days }}) as is_available
        from told
        full outer join sold on told.as_of = sold.as_of and told.product_key = sold.product_key
    )
{%- endmacro %}
