with statements as (
    select * from {{ known_statements() }} as statements
),

folded as (
    select * from {{ folded_consent('statements', 'as_of, mailbox_hash') }} as folded
)

select * from folded
