{#- A customer counts as if this many emails had been answered as everybody answers them, and an hour of everybody as if one had. -#}
{%- set prior_reactions = 10 %}
{%- set evidence_days = 365 %}
{#- Of equal hours, the one nearest to mid-morning. -#}
{%- set usual_hour = 10 %}
with customers as (
    select
        as_of,
        customer_id,
        coalesce(timezone, '{{ env_var("HOLDFAST_TIMEZONE", "UTC") }}') as timezone,
        timezone is not null as is_timezone_known
    from {{ ref('int_customer_traits__picked') }}
    where {{ in_window('as_of') }}
),

reactions as (
    select
        resolved.as_of,
        resolved.customer_id,
        coalesce(engagement.message_id, engagement.event_key) as message_id,
        hour(timezone(customers.timezone, timezone('UTC', engagement.occurred_at))) as local_hour
    from {{ resolved_profiles(as_of_days()) }} as resolved
    inner join customers on resolved.as_of = customers.as_of and resolved.customer_id = customers.customer_id
    inner join {{ ref('int_email_engagement__classified') }} as engagement
        on resolved.profile_key = engagement.profile_key
        and engagement.landed_on <= resolved.as_of
        and engagement.occurred_on <= resolved.as_of
        and engagement.occurred_on > resolved.as_of - {{ evidence_days }}
    where engagement.is_human
),

-- However often an email is opened and clicked within an hour, it was answered in it once.
own_hours as (
    select as_of, customer_id, local_hour, count(distinct message_id) as own_count
    from reactions
    group by as_of, customer_id, local_hour
),

own_totals as (
    select as_of, customer_id, sum(own_count) as reaction_count from own_hours group by as_of, customer_id
),

hours as (
    select days.as_of, each_hour.local_hour
    from {{ as_of_days() }} as days
    cross join (select unnest(range(24)) as local_hour) as each_hour
),

counted as (
    select hours.as_of, hours.local_hour, coalesce(sum(own_hours.own_count), 0) as hour_count
    from hours
    left join own_hours on hours.as_of = own_hours.as_of and hours.local_hour = own_hours.local_hour
    group by hours.as_of, hours.local_hour
),

everybody as (
    select
        as_of,
        local_hour,
        (hour_count + 1) / (sum(hour_count) over (partition by as_of) + 24) as prior_share,
        row_number() over (
            partition by as_of order by hour_count desc, abs(local_hour - {{ usual_hour }}), local_hour
        ) as prior_rank
    from counted
),

-- An hour without a reaction of one's own can only be the best if it is everybody's.
candidates as (
    select
        customers.*, everybody.local_hour, everybody.prior_share, own_hours.own_count, own_totals.reaction_count
    from customers
    inner join everybody on customers.as_of = everybody.as_of
    left join own_hours
        on customers.as_of = own_hours.as_of
        and customers.customer_id = own_hours.customer_id
        and everybody.local_hour = own_hours.local_hour
    left join own_totals
        on customers.as_of = own_totals.as_of and customers.customer_id = own_totals.customer_id
    where everybody.prior_rank = 1 or own_hours.own_count is not null
),

judged as (
    select
        as_of,
        customer_id,
        timezone,
        is_timezone_known,
        cast(local_hour as integer) as best_hour,
        round(
            (coalesce(own_count, 0) + {{ prior_reactions }} * prior_share)
            / (coalesce(reaction_count, 0) + {{ prior_reactions }}),
            6
        ) as best_hour_share,
        cast(coalesce(reaction_count, 0) as integer) as reaction_count
    from candidates
),

best as (
    select *
    from judged
    qualify row_number() over (
        partition by as_of, customer_id
        order by best_hour_share desc, abs(best_hour - {{ usual_hour }}), best_hour
    ) = 1
)

select * from best
