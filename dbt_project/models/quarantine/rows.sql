with refused_rows as (
    select source, file, row_number, rule, message, raw, landed_on
    from {{ judged_rows() }}
    where row_status = 'quarantined'
),

unreadable as (
    select vendor || '/' || object as source, file, row_number, rule, message, raw, landed_on
    from {{ source('ops', 'landing_rejects') }}
    where {{ in_window('landed_on') }}
),

quarantined as (
    select * from refused_rows
    union all
    select * from unreadable
)

select * from quarantined
