with members as (
    select as_of, customer_id, case population
        {%- for options, population in choosers().items() %}
        when '{{ population }}' then '{{ options }}'
        {%- endfor %}
    end as options
    from {{ ref('customer_populations') }}
    where {{ in_window('as_of') }}
        and population in ('{{ choosers().values() | join("', '") }}')
),

options as (
    select * from {{ customer_options_as_of(as_of_days(), 'members') }} as options
)

select * from options
