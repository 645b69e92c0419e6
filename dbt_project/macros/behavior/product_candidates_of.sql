{#- The ways to find products for a customer, lowest first. -#}
{% macro recommendation_rungs() -%}
    {{ return({'popularity': 1, 'category_popularity': 2, 'item_item': 3}) }}
{%- endmacro %}

{#- The products that each way finds for each customer (as_of, customer_id) among those that can be had and that the customer never bought.
    item_item: neighbours of what was bought, put into a cart or viewed, each as near as it is and worth what the sign is worth.
    category_popularity: what most customers lately buy of the category that the customer is drawn to most; popularity: of the shop.
    Arguments are names of relations: interests of product_interests_as_of, similarities of product_similarities_of, catalogue of
    product_catalogue_as_of, favourites with as_of, customer_id and category. -#}
{% macro product_candidates_of(customers, interests, similarities, favourites, catalogue) -%}
    {%- set most_interests = 20 %}
    {%- set most_popular = 20 %}
    {%- set rungs = recommendation_rungs() %}
    (
        with available as (
            select as_of, product_key, category from {{ catalogue }} where is_available
        ),

        sold as (
            select as_of, product_key, sum(purchase_weight) as score
            from {{ interests }}
            where purchase_weight > 0
            group by as_of, product_key
        ),

        popular as (
            select
                available.*,
                sold.score,
                row_number() over (
                    partition by available.as_of order by sold.score desc, available.product_key
                ) as shop_rank,
                row_number() over (
                    partition by available.as_of, available.category order by sold.score desc, available.product_key
                ) as category_rank
            from available
            inner join sold on available.as_of = sold.as_of and available.product_key = sold.product_key
        ),

        foremost as (
            select interests.as_of, interests.customer_id, interests.product_key, interests.interest_weight
            from {{ interests }} as interests
            inner join {{ customers }} as customers
                on interests.as_of = customers.as_of and interests.customer_id = customers.customer_id
            where interests.interest_weight > 0
            qualify row_number() over (
                partition by interests.as_of, interests.customer_id
                order by interests.interest_weight desc, interests.product_key
            ) <= {{ most_interests }}
        ),

        alike as (
            select
                foremost.as_of,
                foremost.customer_id,
                similarities.neighbour_product_key as product_key,
                sum(foremost.interest_weight * similarities.similarity) as score,
                max_by(
                    foremost.product_key, (foremost.interest_weight * similarities.similarity, foremost.product_key)
                ) as because_of_product_key
            from foremost
            inner join {{ similarities }} as similarities
                on foremost.as_of = similarities.as_of and foremost.product_key = similarities.product_key
            group by foremost.as_of, foremost.customer_id, similarities.neighbour_product_key
        ),

        found as (
            select
                alike.as_of, alike.customer_id, alike.product_key, available.category, {{ rungs.item_item }} as rung,
                cast(alike.score as double) as score, alike.because_of_product_key
            from alike
            inner join available on alike.as_of = available.as_of and alike.product_key = available.product_key
            union all
            select
                favourites.as_of, favourites.customer_id, popular.product_key, popular.category,
                {{ rungs.category_popularity }} as rung, cast(popular.score as double) as score,
                cast(null as varchar) as because_of_product_key
            from {{ favourites }} as favourites
            inner join {{ customers }} as customers
                on favourites.as_of = customers.as_of and favourites.customer_id = customers.customer_id
            inner join popular
                on favourites.as_of = popular.as_of
                and favourites.category = popular.category
                and popular.category_rank <= {{ most_popular }}
            union all
            select
                customers.as_of, customers.customer_id, popular.product_key, popular.category,
                {{ rungs.popularity }} as rung, cast(popular.score as double) as score,
                cast(null as varchar) as because_of_product_key
            from {{ customers }} as customers
            inner join popular on customers.as_of = popular.as_of and popular.shop_rank <= {{ most_popular }}
        ),

        bought as (
            select as_of, customer_id, product_key from {{ interests }} where order_day_count > 0
        )

        select found.*
        from found
        left join bought
            on found.as_of = bought.as_of
            and found.customer_id = bought.customer_id
            and found.product_key = bought.product_key
        where bought.product_key is null
    )
{%- endmacro %}

{#- The foremost products of each customer by each method of a relation (as_of, method): what the highest rung that the method allows finds
    comes first, what it leaves open the rungs below fill. -#}
{% macro ranked_candidates(candidates, methods) -%}
    (
        with allowed as (
            select candidates.*, methods.method
            from {{ candidates }} as candidates
            inner join {{ methods }} as methods
                on candidates.as_of = methods.as_of
                and candidates.rung <= case methods.method
                    {%- for method, rung in recommendation_rungs().items() %}
                    when '{{ method }}' then {{ rung }}
                    {%- endfor %}
                end
            qualify row_number() over (
                partition by candidates.as_of, methods.method, candidates.customer_id, candidates.product_key
                order by candidates.rung desc
            ) = 1
        )

        select
            *,
            cast(
                row_number() over (
                    partition by as_of, method, customer_id order by rung desc, score desc, product_key
                ) as integer
            ) as recommendation_rank
        from allowed
        qualify recommendation_rank <= {{ most_recommendations() }}
    )
{%- endmacro %}

{% macro most_recommendations() -%}
    {{ return(5) }}
{%- endmacro %}
