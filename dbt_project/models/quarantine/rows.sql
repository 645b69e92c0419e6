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
),

{% set readmissions = state_table('readmissions') -%}
marked as (
    select
        quarantined.*,
        {%- if readmissions %}
        readmissions.readmitted_at,
        readmissions.readmitted_as
    from quarantined
    left join {{ readmissions }} as readmissions
        on quarantined.file = readmissions.file
        and coalesce(quarantined.row_number, 0) = readmissions.row_number
        and quarantined.rule <> 'erased'
        {%- else %}
        cast(null as timestamp) as readmitted_at,
        cast(null as varchar) as readmitted_as
    from quarantined
        {%- endif %}
)

select * from marked
