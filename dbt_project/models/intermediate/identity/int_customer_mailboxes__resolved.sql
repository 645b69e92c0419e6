with mailboxes as (
    select * from {{ customer_mailboxes() }} as mailboxes
)

select * from mailboxes
