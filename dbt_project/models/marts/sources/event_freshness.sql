with event_days as (
    select * from {{ ref('int_event_days__counted') }} where landed_on <= {{ window_end() }}
),

feeds as (
    select * from {{ ref('feed_health') }} where {{ in_window('as_of') }}
),

landed_feeds as (
    select distinct vendor as source, object, landed_on
    from {{ source('ops', 'landing_files') }}
    where status = 'readable' and landed_on <= {{ window_end() }}
),

required as (
    select * from {{ ref('required_events') }}
),

known as (
    select
        days.as_of,
        event_days.source,
        event_days.event,
        {{ feed_object('event_days.source', 'event_days.event') }} as object,
        min(event_days.landed_on) as first_landed_on,
        max(event_days.landed_on) as last_landed_on,
        max(event_days.last_occurred_at) as last_occurred_at,
        least(28, days.as_of - min(event_days.landed_on) + 1)
            - count(*) filter (where event_days.landed_on > days.as_of - 28) as gap_days,
        sum(event_days.volume) filter (where event_days.landed_on > days.as_of - 7) / 7 as daily_volume,
        sum(event_days.late_count) filter (where event_days.landed_on between days.as_of - 28 and days.as_of - 1)
            / sum(event_days.volume) filter (where event_days.landed_on between days.as_of - 28 and days.as_of - 1)
            as usual_late_share
    from {{ as_of_days() }} as days
    inner join event_days on event_days.landed_on <= days.as_of
    group by days.as_of, event_days.source, event_days.event
),

-- The same weekday of the eight weeks before, where the feed landed: a day without a file says nothing of the volume.
weeks as (
    select known.as_of, known.source, known.event, coalesce(event_days.volume, 0) as volume
    from known
    cross join (select unnest(range(1, 9)) as week) as numbers
    inner join landed_feeds
        on known.source = landed_feeds.source
        and known.object = landed_feeds.object
        and known.as_of - cast(7 * numbers.week as integer) = landed_feeds.landed_on
        and known.first_landed_on <= landed_feeds.landed_on
    left join event_days
        on known.source = event_days.source
        and known.event = event_days.event
        and landed_feeds.landed_on = event_days.landed_on
),

middles as (
    select as_of, source, event, count(*) as week_count, {{ quantile('volume', 0.5) }} as expected_volume
    from weeks
    group by as_of, source, event
),

-- A band as wide as three standard deviations: of the weeks themselves (from the median absolute deviation), but never
-- narrower than counts scatter (Poisson) nor than a tenth of the volume. Fewer than three weeks give no band.
bands as (
    select
        middles.as_of,
        middles.source,
        middles.event,
        middles.expected_volume,
        case when middles.week_count >= 3 then greatest(
            1.4826 * {{ quantile('abs(weeks.volume - middles.expected_volume)', 0.5) }},
            sqrt(middles.expected_volume),
            0.1 * middles.expected_volume
        ) end as deviation
    from middles
    inner join weeks
        on middles.as_of = weeks.as_of and middles.source = weeks.source and middles.event = weeks.event
    group by middles.as_of, middles.source, middles.event, middles.expected_volume, middles.week_count
),

compared as (
    select
        known.*,
        feeds.feed_landed_on,
        feeds.duplicate_share,
        coalesce(feeds.is_missing, true) as is_feed_missing,
        coalesce(feeds.is_catching_up, false) as is_catching_up,
        bands.expected_volume,
        round(case when bands.deviation is not null then greatest(0, bands.expected_volume - 3 * bands.deviation) end, 6)
            as expected_low,
        round(bands.expected_volume + 3 * bands.deviation, 6) as expected_high,
        coalesce(event_days.volume, 0) as volume,
        -- The stragglers of a busy day may be all that lands on a quiet one.
        greatest(event_days.volume, known.daily_volume) as comparable_volume,
        event_days.late_count,
        event_days.identified_count,
        event_days.lag_hours_p50,
        event_days.lag_hours_p95,
        event_days.max_lag_hours,
        greatest(0.05, coalesce(known.usual_late_share, 0)) as late_share_allowed
    from known
    left join bands
        on known.as_of = bands.as_of and known.source = bands.source and known.event = bands.event
    left join event_days
        on known.as_of = event_days.landed_on and known.source = event_days.source and known.event = event_days.event
    left join feeds
        on known.as_of = feeds.as_of and known.source = feeds.source and known.object = feeds.object
),

needs as (
    select event, string_agg(requirement, ', ' order by requirement) as requirements
    from required
    group by event
),

measured as (
    select
        compared.source,
        compared.event,
        compared.as_of,
        compared.last_occurred_at,
        compared.last_landed_on,
        compared.feed_landed_on,
        compared.lag_hours_p50,
        compared.lag_hours_p95,
        compared.max_lag_hours,
        cast(compared.volume as bigint) as volume,
        compared.expected_volume,
        compared.expected_low,
        compared.expected_high,
        round(case when compared.expected_volume > 0 then compared.volume / compared.expected_volume end, 6) as completeness,
        cast(compared.gap_days as integer) as gap_days,
        round(compared.late_count / compared.volume, 6) as late_share,
        round(compared.identified_count / compared.volume, 6) as identified_share,
        compared.duplicate_share,
        needs.requirements,
        case
            when compared.volume = 0 and (compared.is_feed_missing or compared.expected_low > 0) then 'missing'
            when compared.late_count > 0 and (
                compared.is_catching_up
                or {{ beyond_share('compared.late_count', 'compared.comparable_volume', 'compared.late_share_allowed') }}
            ) then 'late'
            when compared.volume < compared.expected_low then 'short'
            else 'fresh'
        end as status
    from compared
    left join needs on compared.event = needs.event
),

-- A required event that nothing has brought in the last four weeks is named by a row of its own.
named_missing as (
    select days.as_of, required.requirement
    from {{ as_of_days() }} as days
    cross join required
    left join known
        on days.as_of = known.as_of and required.event = known.event and known.last_landed_on > days.as_of - 28
    group by days.as_of, required.requirement
    having count(known.event) = 0
),

completed as (
    select * from measured
    union all by name
    select
        'required' as source,
        requirement as event,
        as_of,
        cast(0 as bigint) as volume,
        cast(28 as integer) as gap_days,
        requirement as requirements,
        'missing' as status
    from named_missing
)

select * from completed
