with assignments as (
    select * from {{ ref('stg_plain__assignments') }} where {{ in_window('landed_on') }}
),

recorded as (
    select
        experiment,
        case
            when profile_id is not null then 'plain:' || profile_id
            else 'mailbox:' || {{ hash_identifier('email') }}
        end as profile_key,
        landed_on,
        arm,
        planned_share,
        assigned_at,
        exposed_at,
        ghost_at
    from assignments
)

select * from recorded
