with health as (
    select
        as_of,
        flow,
        provider,
        engagement,
        sent_on,
        cast(sum(sent_count) as bigint) as sent_count,
        cast(sum(delivered_count) as bigint) as delivered_count,
        cast(sum(bounce_count) as bigint) as bounce_count,
        cast(sum(complaint_count) as bigint) as complaint_count,
        cast(sum(unsubscribe_count) as bigint) as unsubscribe_count
    from {{ ref('int_sends__followed') }}
    where {{ in_window('as_of') }}
    group by as_of, flow, provider, engagement, sent_on
)

select * from health
