{%- set segments = [
    'new_subscribers', 'first_time_buyers', 'repeat_buyers', 'repeat_buyers_with_replenishment_risk',
    'high_value_at_risk', 'lapsed_buyers', 'engaged_browsers_without_order'
] -%}
with members as (
    {%- for segment in segments %}
    select as_of, customer_id, '{{ segment }}' as segment
    from {{ ref(segment) }}
    where {{ in_window('as_of') }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

day_before as (
    {%- if is_incremental() %}
    select customer_id, segment, entered_on from {{ this }} where as_of = {{ window_start() }} - 1
    {%- else %}
    select customer_id, segment, as_of as entered_on from members where false
    {%- endif %}
),

stays as (
    select
        *,
        as_of - cast(row_number() over (partition by customer_id, segment order by as_of) as integer) as stay
    from members
),

begun as (
    select *, min(as_of) over (partition by customer_id, segment, stay) as began_on from stays
),

entered as (
    select
        begun.as_of,
        begun.customer_id,
        begun.segment,
        case
            when begun.began_on = {{ window_start() }} then coalesce(day_before.entered_on, begun.began_on)
            else begun.began_on
        end as entered_on
    from begun
    left join day_before
        on begun.customer_id = day_before.customer_id and begun.segment = day_before.segment
),

membership as (
    select *, entered_on = as_of as is_new, false as held_by_stability from entered
)

select * from membership
