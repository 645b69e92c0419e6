with event_days as (
    select * from {{ ref('int_event_days__counted') }}
),

-- A file without events is a sign of life too: the age of a feed is the age of its newest file.
feeds as (
    select landed_on, vendor as source, object from {{ source('ops', 'landing_files') }} where status = 'readable'
),

feed_days as (
    select days.as_of, feeds.source, feeds.object, max(feeds.landed_on) as feed_landed_on
    from {{ as_of_days() }} as days
    inner join feeds on feeds.landed_on <= days.as_of
    group by days.as_of, feeds.source, feeds.object
),

known as (
    select
        days.as_of,
        event_days.source,
        event_days.event,
        max(event_days.last_occurred_at) as last_occurred_at,
        max(event_days.landed_on) as last_landed_on,
        coalesce(sum(event_days.volume) filter (where event_days.landed_on = days.as_of), 0) as volume,
        sum(event_days.volume) filter (
            where event_days.landed_on in (days.as_of - 7, days.as_of - 14, days.as_of - 21, days.as_of - 28)
        ) as volume_of_weeks,
        least(4, (days.as_of - min(event_days.landed_on)) // 7) as week_count
    from {{ as_of_days() }} as days
    inner join event_days on event_days.landed_on <= days.as_of
    group by days.as_of, event_days.source, event_days.event
),

expected as (
    select
        *,
        round(case when week_count > 0 then coalesce(volume_of_weeks, 0) / week_count end, 6) as expected_volume
    from known
),

measured as (
    select
        expected.source,
        expected.event,
        expected.as_of,
        expected.last_occurred_at,
        expected.last_landed_on,
        feed_days.feed_landed_on,
        event_days.lag_hours_p50,
        event_days.lag_hours_p95,
        event_days.max_lag_hours,
        cast(expected.volume as bigint) as volume,
        expected.expected_volume,
        round(case when expected.expected_volume > 0 then expected.volume / expected.expected_volume end, 6) as completeness,
        case
            when expected.volume = 0 and expected.expected_volume >= 1 then 'missing'
            when expected.volume > 0
                and event_days.last_occurred_at < cast(expected.as_of - 1 as timestamp) then 'late'
            when expected.volume > 0 and expected.volume < 0.5 * expected.expected_volume then 'short'
            else 'fresh'
        end as status
    from expected
    left join event_days
        on expected.as_of = event_days.landed_on
        and expected.source = event_days.source
        and expected.event = event_days.event
    left join feed_days
        on expected.as_of = feed_days.as_of
        and expected.source = feed_days.source
        and feed_days.object = {{ feed_object('expected.source', 'expected.event') }}
)

select * from measured
