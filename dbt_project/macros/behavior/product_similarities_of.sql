{#- Products that the same customers buy: of each product its nearest, by the cosine of two columns of the matrix of customers and products,
    whose entries are the decayed days on which a customer bought a product. A cosine that rests on few common customers is chance: it
    is drawn towards zero as if so many more had bought one of the two. Bounds: the most recent products of a customer, so that one reseller
    does not make a million pairs, and the nearest of a product. Weights are decimals of four places, so that no sum depends on its order. -#}
{% macro product_similarities_of(interests) -%}
    {%- set shrinkage_customers = 10 %}
    {%- set most_products_of_a_customer = 30 %}
    {%- set most_neighbours = 20 %}
    (
        with baskets as (
            select as_of, customer_id, product_key, purchase_weight
            from {{ interests }}
            where purchase_weight > 0
            qualify row_number() over (
                partition by as_of, customer_id order by last_ordered_on desc, purchase_weight desc, product_key
            ) <= {{ most_products_of_a_customer }}
        ),

        norms as (
            select as_of, product_key, sqrt(cast(sum(purchase_weight * purchase_weight) as double)) as norm
            from baskets
            group by as_of, product_key
        ),

        -- Each pair once, and only with two common customers: of a wide assortment most pairs have one, which says nothing.
        common as (
            select
                basket.as_of,
                basket.product_key,
                other.product_key as neighbour_product_key,
                sum(basket.purchase_weight * other.purchase_weight) as common_weight,
                cast(count(*) as integer) as common_customer_count
            from baskets as basket
            inner join baskets as other
                on basket.as_of = other.as_of
                and basket.customer_id = other.customer_id
                and basket.product_key < other.product_key
            group by basket.as_of, basket.product_key, other.product_key
            having count(*) >= 2
        ),

        pairs as (
            select * from common
            union all
            select as_of, neighbour_product_key, product_key, common_weight, common_customer_count from common
        ),

        compared as (
            select
                pairs.as_of,
                pairs.product_key,
                pairs.neighbour_product_key,
                pairs.common_customer_count,
                cast(
                    least(1, cast(pairs.common_weight as double) / (norms.norm * neighbour_norms.norm))
                    * pairs.common_customer_count / (pairs.common_customer_count + {{ shrinkage_customers }})
                    as decimal(7, 6)
                ) as similarity
            from pairs
            inner join norms on pairs.as_of = norms.as_of and pairs.product_key = norms.product_key
            inner join norms as neighbour_norms
                on pairs.as_of = neighbour_norms.as_of and pairs.neighbour_product_key = neighbour_norms.product_key
        ),

        ranked as (
            select
                *,
                cast(
                    row_number() over (
                        partition by as_of, product_key order by similarity desc, neighbour_product_key
                    ) as integer
                ) as similarity_rank
            from compared
            where similarity > 0
        )

        select as_of, product_key, similarity_rank, neighbour_product_key, similarity, common_customer_count
        from ranked
        where similarity_rank <= {{ most_neighbours }}
    )
{%- endmacro %}
