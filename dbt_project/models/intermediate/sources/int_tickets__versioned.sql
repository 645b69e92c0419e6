with tickets as (
    select * from {{ ref('stg_plain__tickets') }} where {{ in_window('landed_on') }}
),

versioned as (
    select
        'plain:' || ticket_id as ticket_key,
        'plain' as source,
        landed_on,
        case
            when profile_id is not null then 'plain:' || profile_id
            else 'mailbox:' || {{ hash_identifier('email') }}
        end as profile_key,
        status,
        priority,
        satisfaction,
        created_at,
        updated_at
    from tickets
)

select * from versioned
