{#- Who gives fewer signs is known too little to be clustered. -#}
{%- set fewest_signals = 5 %}
{#- Weeks over which it is followed who stays in a cluster. -#}
{%- set anchor_count = 4 %}
-- Training partitions are Sundays.
with weeks as (
    select as_of as trained_on from {{ as_of_days() }} as days where (as_of - date '2024-01-07') % 7 = 0
),

anchors as (
    select weeks.trained_on, weeks.trained_on - 7 * earlier.weeks_earlier as as_of
    from weeks
    cross join (select cast(unnest(range({{ anchor_count }})) as integer) as weeks_earlier) as earlier
),

affinities as (
    select *, sum(signal_count) over (partition by as_of, customer_id) as customer_signal_count
    from {{ foremost_affinities_as_of('(select distinct anchors.as_of from anchors)') }} as affinities
),

known as (
    select
        anchors.trained_on,
        anchors.as_of as known_on,
        affinities.customer_id,
        affinities.category,
        affinities.affinity_share
    from anchors
    inner join affinities on anchors.as_of = affinities.as_of
    where affinities.customer_signal_count >= {{ fewest_signals }}
)

select * from known
