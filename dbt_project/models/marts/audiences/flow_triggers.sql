with triggered as (
    {%- for flow in [
        'welcome', 'first_purchase', 'browse_abandonment', 'cart_abandonment', 'post_purchase_education', 'replenishment', 'renewal',
        'win_back', 'nurture'
    ] %}
    select as_of, '{{ flow }}' as flow, customer_id, occurrence, triggered_at
    from {{ ref('int_' ~ flow ~ '_flows__triggered') }}
    where {{ in_window('as_of') }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select * from triggered
