{%- set objects = addressed_objects() -%}
with addresses as (
    {%- for vendor, object in objects %}
    select '{{ vendor }}' as source, '{{ object }}' as object, landed_on, email, email_fault
    from {{ ref('base_' ~ vendor ~ '__' ~ object) }}
    where {{ in_window('landed_on') }} and coalesce(email, email_fault) is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

counted as (
    select source, object, landed_on as as_of, email_fault as fault, count(*) as row_count
    from addresses
    group by source, object, landed_on, email_fault
),

faults as (
    select
        source,
        object,
        as_of,
        fault,
        row_count,
        round(row_count / sum(row_count) over (partition by source, object, as_of), 6) as row_share
    from counted
)

select * from faults where fault is not null
