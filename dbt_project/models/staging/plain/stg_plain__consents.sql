{{ config(materialized='view') }}

with landed as (
    select * from {{ ref('base_plain__consents') }}
),

staged as (
    select
        landed_on,
        file,
        row_number,
        evidence_id,
        email,
        channel,
        statement,
        stated_at,
        topic,
        legal_basis,
        source
    from landed
    where row_status = 'staged'
)

select * from staged
