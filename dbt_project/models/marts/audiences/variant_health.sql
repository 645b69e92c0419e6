{#- The variants of an email are a JSON list of texts `block:variant`; of ghosts and erased people nothing is known. -#}
with sends as (
    select * from {{ ref('int_sends__followed') }} where {{ in_window('as_of') }} and variants is not null
),

shown as (
    select *, unnest(from_json(variants, '["varchar"]')) as pair from sends
),

health as (
    select
        as_of,
        flow,
        split_part(pair, ':', 1) as block,
        split_part(pair, ':', 2) as variant,
        sent_on,
        cast(sum(sent_count) as bigint) as sent_count,
        cast(sum(delivered_count) as bigint) as delivered_count,
        cast(sum(bounce_count) as bigint) as bounce_count,
        cast(sum(complaint_count) as bigint) as complaint_count,
        cast(sum(unsubscribe_count) as bigint) as unsubscribe_count
    from shown
    group by all
)

select * from health
