with versioned as (
    select * from {{ unioned('products') }}
)

select * from versioned
