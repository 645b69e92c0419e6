with files as (
    select landed_on, vendor as source, object, bool_or(status = 'readable') as is_readable,
        count(*) filter (where status = 'refused') as refused_file_count
    from {{ source('ops', 'landing_files') }}
    where landed_on <= {{ window_end() }}
    group by landed_on, vendor, object
),

rejects as (
    select vendor || '/' || object as feed, landed_on, count(*) as reject_count
    from {{ source('ops', 'landing_rejects') }}
    where {{ in_window('landed_on') }} and row_number is not null and rule is distinct from 'erased'
    group by vendor, object, landed_on
),

levels as (
    select * from {{ source('ops', 'service_levels') }} where {{ in_window('as_of') }}
),

-- A file without rows is a sign of life too: the age of a feed is the age of its newest readable file.
feeds as (
    select
        days.as_of,
        files.source,
        files.object,
        max(files.landed_on) filter (where files.is_readable) as feed_landed_on,
        max(files.landed_on) filter (where files.is_readable and files.landed_on < days.as_of) as previous_landed_on,
        coalesce(max(files.refused_file_count) filter (where files.landed_on = days.as_of), 0) as refused_file_count
    from {{ as_of_days() }} as days
    inner join files on files.landed_on <= days.as_of
    group by days.as_of, files.source, files.object
),

judged as (
    select
        source as feed,
        landed_on,
        count(*) as row_count,
        count(*) filter (where row_status = 'quarantined' and rule is distinct from 'erased') as quarantined_count,
        count(*) filter (where row_status = 'duplicate') as duplicate_count
    from {{ judged_rows() }} as judged_rows
    group by source, landed_on
),

counted as (
    select
        feeds.*,
        (feeds.as_of - feeds.feed_landed_on) * 24 as age_hours,
        levels.expected_every_hours,
        levels.late_after_hours,
        levels.max_bad_share,
        coalesce(judged.row_count, 0) + coalesce(rejects.reject_count, 0) as row_count,
        coalesce(judged.quarantined_count, 0) + coalesce(rejects.reject_count, 0) as bad_count,
        coalesce(judged.duplicate_count, 0) as duplicate_count
    from feeds
    left join levels on feeds.as_of = levels.as_of and feeds.source = levels.source
    left join judged on feeds.source || '/' || feeds.object = judged.feed and feeds.as_of = judged.landed_on
    left join rejects on feeds.source || '/' || feeds.object = rejects.feed and feeds.as_of = rejects.landed_on
),

measured as (
    select
        source,
        object,
        as_of,
        feed_landed_on,
        cast(age_hours as integer) as age_hours,
        expected_every_hours,
        late_after_hours,
        max_bad_share,
        coalesce(age_hours >= expected_every_hours, true) as is_missing,
        coalesce(age_hours > expected_every_hours + late_after_hours, true) as is_stale,
        coalesce(
            feed_landed_on = as_of and (as_of - previous_landed_on) * 24 > expected_every_hours, false
        ) as is_catching_up,
        cast(row_count as bigint) as row_count,
        cast(bad_count as bigint) as bad_count,
        cast(duplicate_count as bigint) as duplicate_count,
        cast(refused_file_count as bigint) as refused_file_count,
        round(case when row_count > 0 then bad_count / row_count end, 6) as bad_share,
        round(case when row_count > 0 then duplicate_count / row_count end, 6) as duplicate_share,
        coalesce({{ beyond_share('bad_count', 'row_count', 'max_bad_share') }}, false) as has_too_many_bad_rows
    from counted
)

select * from measured
