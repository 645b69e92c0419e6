with triggered as (
    {%- for flow in ['welcome', 'win_back'] %}
    select as_of, '{{ flow }}' as flow, customer_id, occurrence, triggered_at
    from {{ ref('int_' ~ flow ~ '_flows__triggered') }}
    where {{ in_window('as_of') }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select * from triggered
