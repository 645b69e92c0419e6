{%- set most_repeats = 3 %}
{#- A product that customers do not come back for is never due, however many bought it. -#}
{%- set fewest_intervals = 5 %}
with days as (
    select * from {{ as_of_days() }} as days
),

customers as (
    select as_of, customer_id from {{ ref('int_customers__grouped') }} where {{ in_window('as_of') }}
),

interests as (
    select * from {{ product_interests_as_of('days') }} as interests
),

similarities as (
    select * from {{ ref('product_similarities') }} where {{ in_window('as_of') }}
),

catalogue as (
    select * from {{ product_catalogue_as_of('days') }} as catalogue
),

favourites as (
    select as_of, customer_id, category
    from {{ ref('customer_affinities') }}
    where {{ in_window('as_of') }} and affinity_rank = 1
),

-- The highest rung that was shown to be better than those below.
methods as (
    select
        days.as_of,
        case coalesce(max(case evaluations.method
            {%- for method, rung in recommendation_rungs().items() %} when '{{ method }}' then {{ rung }}{% endfor %} end), 1)
            {%- for method, rung in recommendation_rungs().items() %}
            when {{ rung }} then '{{ method }}'
            {%- endfor %}
        end as method
    from days
    left join {{ ref('recommender_evaluations') }} as evaluations
        on days.as_of = evaluations.as_of and evaluations.is_standing
    group by days.as_of
),

-- Who left a topic that bears a category's name is recommended nothing of it.
closed as (
    select distinct mailboxes.as_of, mailboxes.customer_id, lower(preferences.topic) as topic
    from {{ ref('int_customer_mailboxes__resolved') }} as mailboxes
    inner join {{ ref('topic_preferences') }} as preferences
        on mailboxes.as_of = preferences.as_of and mailboxes.mailbox_hash = preferences.mailbox_hash
    where {{ in_window('mailboxes.as_of') }}
        and preferences.consent_status in ('unsubscribed', 'complained', 'bounced')
),

candidates as (
    select found.*
    from {{ product_candidates_of('customers', 'interests', 'similarities', 'favourites', 'catalogue') }} as found
    left join closed
        on found.as_of = closed.as_of
        and found.customer_id = closed.customer_id
        and lower(found.category) = closed.topic
    where closed.topic is null
),

new_products as (
    select
        as_of,
        customer_id,
        false as is_repeat,
        recommendation_rank,
        product_key,
        category,
        round(score, 6) as score,
        case rung
            {%- for method, rung in recommendation_rungs().items() %}
            when {{ rung }} then '{{ method }}'
            {%- endfor %}
        end as source,
        because_of_product_key
    from {{ ranked_candidates('candidates', 'methods') }} as ranked
),

due as (
    select interests.*, catalogue.category
    from interests
    inner join catalogue
        on interests.as_of = catalogue.as_of
        and interests.product_key = catalogue.product_key
        and catalogue.is_available
    inner join {{ ref('product_replenishments') }} as replenishments
        on interests.as_of = replenishments.as_of and interests.product_key = replenishments.product_key
    left join closed
        on interests.as_of = closed.as_of
        and interests.customer_id = closed.customer_id
        and lower(catalogue.category) = closed.topic
    where interests.purchase_weight > 0
        and replenishments.interval_count >= {{ fewest_intervals }}
        and interests.as_of - interests.last_ordered_on >= replenishments.expected_days_between_orders
        and closed.topic is null
),

repeats as (
    select
        as_of,
        customer_id,
        true as is_repeat,
        cast(
            row_number() over (
                partition by as_of, customer_id order by purchase_weight desc, last_ordered_on desc, product_key
            ) as integer
        ) as recommendation_rank,
        product_key,
        category,
        cast(purchase_weight as double) as score,
        'replenishment' as source,
        product_key as because_of_product_key
    from due
    qualify recommendation_rank <= {{ most_repeats }}
),

recommended as (
    select * from new_products
    union all
    select * from repeats
)

select * from recommended
