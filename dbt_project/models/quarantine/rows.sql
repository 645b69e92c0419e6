with refused_rows as (
    {%- for vendor, object in [
        ('shopify', 'customers'), ('shopify', 'orders'), ('shopify', 'products'), ('segment', 'events'),
        ('sendgrid', 'events'), ('plain', 'profiles'), ('plain', 'orders'), ('plain', 'order_lines'),
        ('plain', 'web_events'), ('plain', 'email_events'), ('plain', 'tickets'), ('plain', 'consents'),
        ('plain', 'products'), ('plain', 'assignments')
    ] %}
    select '{{ vendor }}/{{ object }}' as source, file, row_number, rule, message, raw, landed_on
    from {{ ref('base_' ~ vendor ~ '__' ~ object) }}
    where row_status = 'quarantined' and {{ in_window('landed_on') }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
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
