{#- Between what customers choose, and who is asked about it; ml/propensity/task.py has the same. -#}
{% macro choosers() -%}
    {{ return({'categories': 'buyers', 'send_hours': 'mailed'}) }}
{%- endmacro %}

{#- What was chosen, and when, as known on each day of a relation that has a column as_of: the category of each order day (as the order
    stands), and the four hours of the local day in which an email was opened or clicked by a person. A customer's time zone is the
    newest that was known on the day, else the business's. -#}
{% macro choices_as_of(days) -%}
    (
        with resolved as (
            select * from {{ resolved_profiles(days) }}
        ),

        bought as (
            select
                resolved.as_of,
                resolved.customer_id,
                category_days.category as option,
                category_days.occurred_on
            from resolved
            inner join {{ ref('int_category_days__aggregated') }} as category_days
                on resolved.profile_key = category_days.profile_key
                and category_days.landed_on <= resolved.as_of
                and category_days.occurred_on <= resolved.as_of
            group by resolved.as_of, resolved.customer_id, category_days.category, category_days.occurred_on
            having sum(category_days.ordered_quantity) > 0
        ),

        zones as (
            select
                resolved.as_of,
                resolved.customer_id,
                max_by(
                    profiles.timezone,
                    struct_pack(
                        updated_at := coalesce(
                            profiles.updated_at, profiles.created_at, cast(profiles.landed_on as timestamp)
                        ),
                        landed_on := profiles.landed_on,
                        profile_key := profiles.profile_key
                    )
                ) as timezone
            from resolved
            inner join {{ ref('int_profiles__unioned') }} as profiles
                on resolved.profile_key = profiles.profile_key and profiles.landed_on <= resolved.as_of
            where profiles.timezone is not null
            group by resolved.as_of, resolved.customer_id
        ),

        answered as (
            select
                resolved.as_of,
                resolved.customer_id,
                coalesce(zones.timezone, '{{ env_var("HOLDFAST_TIMEZONE", "UTC") }}') as timezone,
                coalesce(engagement.message_id, engagement.event_key) as message_id,
                engagement.occurred_on,
                engagement.occurred_at
            from resolved
            inner join {{ ref('int_email_engagement__classified') }} as engagement
                on resolved.profile_key = engagement.profile_key
                and engagement.landed_on <= resolved.as_of
                and engagement.occurred_on <= resolved.as_of
            left join zones
                on resolved.as_of = zones.as_of and resolved.customer_id = zones.customer_id
            where engagement.is_human
        ),

        -- However often an email is opened and clicked within four hours, it was answered in them once.
        hours as (
            select
                as_of,
                customer_id,
                {{ hours_of('hour(timezone(timezone, timezone(\'UTC\', occurred_at)))') }} as option,
                occurred_on,
                message_id,
                min(occurred_at) as chosen_at
            from answered
            group by as_of, customer_id, option, occurred_on, message_id
        )

        select as_of, customer_id, 'categories' as options, option, occurred_on, cast(occurred_on as timestamp) as chosen_at
        from bought
        union all
        select as_of, customer_id, 'send_hours' as options, option, occurred_on, chosen_at from hours
    )
{%- endmacro %}

{#- The four hours in which an hour lies, as a text: 08-11. -#}
{% macro hours_of(hour) -%}
    case cast(floor(({{ hour }}) / 4) as integer)
        {%- for first in range(0, 24, 4) %}
        when {{ first // 4 }} then '{{ '%02d-%02d' % (first, first + 3) }}'
        {%- endfor %}
    end
{%- endmacro %}

{#- Every option that each chooser has on each day of a relation of as_of, with what tells of it: how often everybody and how often the
    customer chose it in a year. `members` (as_of, customer_id, options) is who has a choice to make. Of categories the twelve that
    were bought most in the year; all four hours. -#}
{% macro customer_options_as_of(days, members) -%}
    {%- set most_categories = 12 %}
    {%- set evidence_days = 365 %}
    {#- What everybody does counts as much as this much of one's own: a fresh order day, or ten answers. -#}
    {%- set prior_weights = {'categories': 3, 'send_hours': 10} %}
    (
        with members as (
            select * from {{ members }}
        ),

        lately as (
            select * from {{ choices_as_of(days) }} as choices where occurred_on > as_of - {{ evidence_days }}
        ),

        counted as (
            select as_of, options, option, count(*) as choice_count from lately group by as_of, options, option
        ),

        offered as (
            select as_of, options, option, choice_count
            from counted
            where options = 'categories'
            qualify row_number() over (partition by as_of order by choice_count desc, option) <= {{ most_categories }}
            union all
            select days.as_of, 'send_hours' as options, hours.option, coalesce(counted.choice_count, 0) + 1 as choice_count
            from {{ days }} as days
            cross join (
                select {{ hours_of('first_hour') }} as option
                from (values (0), (4), (8), (12), (16), (20)) as firsts (first_hour)
            ) as hours
            left join counted
                on days.as_of = counted.as_of and counted.options = 'send_hours' and hours.option = counted.option
        ),

        popular as (
            select
                as_of,
                options,
                option,
                choice_count / sum(choice_count) over (partition by as_of, options) as popularity_share
            from offered
        ),

        signs as (
            select
                as_of, customer_id, 'categories' as options, category as option,
                cast(affinity as double) as own_weight, last_signal_on as last_sign_on
            from {{ customer_affinities_as_of(days) }} as affinities
            union all
            select
                as_of, customer_id, options, option, cast(count(*) as double) as own_weight, max(occurred_on) as last_sign_on
            from lately
            where options = 'send_hours'
            group by as_of, customer_id, options, option
        ),

        weighed as (
            select
                members.as_of,
                members.customer_id,
                members.options,
                popular.option,
                popular.popularity_share,
                coalesce(signs.own_weight, 0) as own_weight,
                sum(coalesce(signs.own_weight, 0)) over (
                    partition by members.as_of, members.customer_id, members.options order by popular.option
                    rows between unbounded preceding and unbounded following
                ) as total_weight,
                members.as_of - signs.last_sign_on as days_since_last_sign,
                case members.options
                    {%- for options, weight in prior_weights.items() %}
                    when '{{ options }}' then {{ weight }}
                    {%- endfor %}
                end as prior_weight
            from members
            inner join popular on members.as_of = popular.as_of and members.options = popular.options
            left join signs
                on members.as_of = signs.as_of
                and members.customer_id = signs.customer_id
                and members.options = signs.options
                and popular.option = signs.option
        )

        select
            as_of,
            customer_id,
            options,
            option,
            round(popularity_share, 6) as popularity_share,
            round(own_weight, 6) as own_weight,
            round(total_weight, 6) as total_weight,
            round(coalesce(own_weight / nullif(total_weight, 0), 0), 6) as own_share,
            round((own_weight + prior_weight * popularity_share) / (total_weight + prior_weight), 6) as shrunk_share,
            cast(days_since_last_sign as integer) as days_since_last_sign
        from weighed
    )
{%- endmacro %}
