-- Every record of a readable file is staged, quarantined, a duplicate, or named as malformed: files where this is not so.
with staged_rows as (
    select file, count(*) as row_count from {{ judged_rows() }} group by file
),

malformed_rows as (
    select file, count(row_number) as row_count
    from {{ source('ops', 'landing_rejects') }}
    where {{ in_window('landed_on') }}
    group by file
),

reconciled as (
    select
        landing_files.file,
        landing_files.row_count as landed_count,
        coalesce(staged_rows.row_count, 0) + coalesce(malformed_rows.row_count, 0) as accounted_count
    from {{ source('ops', 'landing_files') }} as landing_files
    left join staged_rows on landing_files.file = staged_rows.file
    left join malformed_rows on landing_files.file = malformed_rows.file
    where {{ in_window('landing_files.landed_on') }}
)

select * from reconciled where landed_count <> accounted_count
