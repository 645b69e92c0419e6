{{ config(materialized='ephemeral', enabled=is_enabled('zendesk')) }}

with requests as (
    select * from {{ ref('base_zendesk__tickets') }} where {{ is_staged() }}
),

staff as (
    select user_id, min(landed_on) as known_on
    from {{ ref('base_zendesk__users') }}
    where row_status = 'staged' and role <> 'end-user' and landed_on <= {{ window_end() }}
    group by user_id
),

-- Only an end user is somebody's profile: a ticket that an agent opened is nobody's.
tickets as (
    select
        requests.landed_on,
        'zendesk:' || requests.ticket_id as ticket_key,
        case when staff.user_id is null then 'zendesk:' || requests.requester_id end as profile_key,
        case when requests.status = 'deleted' then 'closed' else requests.status end as status,
        requests.priority,
        requests.satisfaction,
        requests.created_at,
        requests.updated_at
    from requests
    left join staff on requests.requester_id = staff.user_id and staff.known_on <= requests.landed_on
)

select * from tickets
