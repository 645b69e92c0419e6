{#- What a recommendation of so many days ago was worth: what came true since then. -#}
{%- set horizon_days = 28 %}
{%- set most_customers = 20000 %}
{#- A rung above the lowest must be shown to be better, and on fewer customers nothing is. -#}
{%- set fewest_customers = 100 %}
with cutoffs as (
    select as_of - {{ horizon_days }} as as_of from {{ as_of_days() }} as days
),

interests as (
    select * from {{ product_interests_as_of('cutoffs') }} as interests
),

similarities as (
    select * from {{ product_similarities_of('interests') }} as similarities
),

catalogue as (
    select * from {{ product_catalogue_as_of('cutoffs') }} as catalogue
),

favourites as (
    select * from {{ favourite_categories_as_of('cutoffs') }} as favourites
),

known as (
    select as_of, customer_id from interests group by as_of, customer_id
),

-- What was bought after the cut-off, for the first time, by whoever the customer was on it.
bought_later as (
    select resolved.as_of, resolved.customer_id, product_days.product_key
    from {{ resolved_profiles('cutoffs', among='known') }} as resolved
    inner join {{ ref('int_product_days__aggregated') }} as product_days
        on resolved.profile_key = product_days.profile_key
        and product_days.landed_on <= resolved.as_of + {{ horizon_days }}
        and product_days.occurred_on > resolved.as_of
        and product_days.occurred_on <= resolved.as_of + {{ horizon_days }}
    left join {{ ref('blocked_products') }} as blocked on product_days.product_key = blocked.product_key
    left join interests
        on resolved.as_of = interests.as_of
        and resolved.customer_id = interests.customer_id
        and product_days.product_key = interests.product_key
        and interests.order_day_count > 0
    where blocked.product_key is null and interests.product_key is null
    group by resolved.as_of, resolved.customer_id, product_days.product_key
    having sum(product_days.ordered_quantity) > 0
),

customers as (
    select as_of, customer_id, count(*) as bought_count
    from bought_later
    group by as_of, customer_id
    qualify row_number() over (partition by as_of order by md5(customer_id), customer_id) <= {{ most_customers }}
),

methods as (
    select cutoffs.as_of, names.method
    from cutoffs
    cross join (select unnest({{ recommendation_rungs().keys() | list }}) as method) as names
),

candidates as (
    select *
    from {{ product_candidates_of('customers', 'interests', 'similarities', 'favourites', 'catalogue') }} as candidates
),

recommended as (
    select
        ranked.as_of,
        ranked.method,
        ranked.customer_id,
        ranked.product_key,
        ranked.recommendation_rank,
        bought_later.product_key is not null as is_hit
    from {{ ranked_candidates('candidates', 'methods') }} as ranked
    left join bought_later
        on ranked.as_of = bought_later.as_of
        and ranked.customer_id = bought_later.customer_id
        and ranked.product_key = bought_later.product_key
),

ideal as (
    select bought_count, sum(1 / log2(place + 1)) as gain
    from (select unnest(range(1, {{ most_recommendations() }} + 1)) as bought_count) as counts
    inner join (select unnest(range(1, {{ most_recommendations() }} + 1)) as place) as places
        on places.place <= counts.bought_count
    group by bought_count
),

-- Everybody counts under every method, also who is recommended nothing.
judged as (
    select
        methods.as_of,
        methods.method,
        customers.customer_id,
        coalesce(cast(bool_or(recommended.is_hit) as integer), 0) as is_any_hit,
        count(*) filter (where recommended.is_hit) / any_value(customers.bought_count) as recall,
        coalesce(max(1 / recommended.recommendation_rank) filter (where recommended.is_hit), 0) as reciprocal_rank,
        round(
            coalesce(sum(1 / log2(recommended.recommendation_rank + 1)) filter (where recommended.is_hit), 0)
            / any_value(ideal.gain),
            9
        ) as ndcg
    from methods
    inner join customers on methods.as_of = customers.as_of
    inner join ideal on least(customers.bought_count, {{ most_recommendations() }}) = ideal.bought_count
    left join recommended
        on methods.as_of = recommended.as_of
        and methods.method = recommended.method
        and customers.customer_id = recommended.customer_id
    group by methods.as_of, methods.method, customers.customer_id
),

measured as (
    select
        as_of,
        method,
        cast(count(*) as integer) as customer_count,
        round(avg(is_any_hit), 6) as hit_share,
        round(avg(recall), 6) as recall_share,
        round(avg(reciprocal_rank), 6) as mean_reciprocal_rank,
        round(avg(ndcg), 6) as ndcg
    from judged
    group by as_of, method
),

-- How much of what could be had is shown to anybody: of the products that customers may be offered, those that they are.
covered as (
    select recommended.as_of, recommended.method, count(distinct recommended.product_key) as shown_count
    from recommended
    group by recommended.as_of, recommended.method
),

offered as (
    select as_of, count(*) as product_count from catalogue where is_available group by as_of
),

paired as (
    select
        as_of,
        customer_id,
        max(ndcg) filter (where method = 'popularity') as popularity,
        max(ndcg) filter (where method = 'category_popularity') as category_popularity,
        max(ndcg) filter (where method = 'item_item') as item_item
    from judged
    group by as_of, customer_id
),

first_step as (
    select as_of, 'category_popularity' as method, 'popularity' as compared_with, {{ paired_difference('category_popularity', 'popularity') }}
    from paired
    group by as_of
),

second_step as (
    select
        paired.as_of,
        'item_item' as method,
        any_value(
            case when {{ stands('first_step', fewest_customers) }} then 'category_popularity' else 'popularity' end
        ) as compared_with,
        {{ paired_difference(
            'paired.item_item',
            'case when ' ~ stands('first_step', fewest_customers) ~ ' then paired.category_popularity else paired.popularity end'
        ) }}
    from paired
    inner join first_step on paired.as_of = first_step.as_of
    group by paired.as_of
),

steps as (
    select * from first_step
    union all
    select * from second_step
),

evaluated as (
    select
        measured.as_of + {{ horizon_days }} as as_of,
        measured.method,
        measured.as_of as cutoff_on,
        measured.customer_count,
        measured.hit_share,
        measured.recall_share,
        measured.mean_reciprocal_rank,
        measured.ndcg,
        round(coalesce(covered.shown_count, 0) / offered.product_count, 6) as coverage_share,
        steps.compared_with,
        round(steps.difference, 6) as ndcg_difference,
        round(steps.difference - 1.96 * steps.standard_error, 6) as ci_low,
        round(steps.difference + 1.96 * steps.standard_error, 6) as ci_high,
        measured.method = 'popularity' or coalesce({{ stands('steps', fewest_customers) }}, false) as is_standing
    from measured
    left join covered on measured.as_of = covered.as_of and measured.method = covered.method
    left join offered on measured.as_of = offered.as_of
    left join steps on measured.as_of = steps.as_of and measured.method = steps.method
)

select * from evaluated
