{#- What a sign of interest in a category is worth when it is fresh, and after how many days it is worth half. An order says
    more than a view and for longer; a day on which a category was bought counts once, however many units it was. -#}
{% macro affinity_signals() -%}
    {{ return({
        'product_views': {'weight': 1, 'half_life_days': 30},
        'carts': {'weight': 2, 'half_life_days': 30},
        'order_days': {'weight': 3, 'half_life_days': 180},
    }) }}
{%- endmacro %}

{#- What is left of a value after some days. Decimal, so that a sum does not depend on the order of its rows. -#}
{% macro decayed(value, days, half_life_days) -%}
    {{ value }} * cast(power(0.5, ({{ days }}) / {{ half_life_days }}) as decimal(10, 9))
{%- endmacro %}

{#- The affinity of every customer to every category of which it gave a sign, as it was known on each day of a relation that
    has a column as_of: a sum over days, each worth less the older it is. -#}
{% macro customer_affinities_as_of(days) -%}
    (
        select
            as_of,
            customer_id,
            category,
            cast(sum(product_views + carts + order_days) as integer) as signal_count,
            max(occurred_on) as last_signal_on,
            sum(
                {%- for signal, worth in affinity_signals().items() %}
                {{ '+ ' if not loop.first }}{{ worth.weight }}
                * {{ decayed(signal, 'as_of - occurred_on', worth.half_life_days) }}
                {%- endfor %}
            ) as affinity
        from (
            select
                resolved.as_of,
                resolved.customer_id,
                category_days.category,
                category_days.occurred_on,
                cast(sum(category_days.product_views) as bigint) as product_views,
                cast(sum(category_days.carts) as bigint) as carts,
                cast(sum(category_days.ordered_quantity) > 0 as bigint) as order_days
            from {{ resolved_profiles(days) }} as resolved
            inner join {{ ref('int_category_days__aggregated') }} as category_days
                on resolved.profile_key = category_days.profile_key
                and category_days.landed_on <= resolved.as_of
                and category_days.occurred_on <= resolved.as_of
            group by resolved.as_of, resolved.customer_id, category_days.category, category_days.occurred_on
        ) as customer_days
        where product_views > 0 or carts > 0 or order_days > 0
        group by as_of, customer_id, category
    )
{%- endmacro %}

{#- Of them the five foremost categories of each customer, with what part of the customer's affinity to all of them each is. -#}
{% macro foremost_affinities_as_of(days) -%}
    {%- set most_categories = 5 %}
    (
        with affinities as (
            select * from {{ customer_affinities_as_of(days) }} as affinities
            where affinity > 0
        ),

        shared as (
            select
                as_of,
                customer_id,
                category,
                cast(affinity as double) as affinity,
                round(
                    cast(affinity as double) / cast(sum(affinity) over (partition by as_of, customer_id) as double), 6
                ) as affinity_share,
                cast(
                    row_number() over (partition by as_of, customer_id order by affinity desc, category) as integer
                ) as affinity_rank,
                signal_count,
                last_signal_on
            from affinities
        )

        select * from shared where affinity_rank <= {{ most_categories }}
    )
{%- endmacro %}
