with traits as (
    select * from {{ ref('int_customer_traits__picked') }} where {{ in_window('as_of') }}
),

mailboxes as (
    select * from {{ ref('int_customer_mailboxes__resolved') }} where {{ in_window('as_of') }}
),

consent as (
    select * from {{ ref('int_customer_consent__folded') }} where {{ in_window('as_of') }}
),

free_mailbox_domains as (
    select * from {{ ref('free_mailbox_domains') }}
),

-- A mailbox of a family is of the address of whoever has one; of more than five customers it says nothing.
shared as (
    select mailboxes.as_of, mailboxes.mailbox_hash, min(traits.address_hash) as address_hash
    from mailboxes
    inner join traits on mailboxes.as_of = traits.as_of and mailboxes.customer_id = traits.customer_id
    group by mailboxes.as_of, mailboxes.mailbox_hash
    having count(*) between 2 and 5
),

housemates as (
    select
        mailboxes.as_of,
        mailboxes.customer_id,
        coalesce(min(shared.address_hash), min(shared.mailbox_hash)) as household
    from mailboxes
    inner join shared on mailboxes.as_of = shared.as_of and mailboxes.mailbox_hash = shared.mailbox_hash
    group by mailboxes.as_of, mailboxes.customer_id
),

employed as (
    select
        traits.as_of,
        traits.customer_id,
        traits.address_hash,
        traits.company,
        case when free_mailbox_domains.domain is null then split_part(consent.primary_email, '@', 2) end as domain
    from traits
    left join consent on traits.as_of = consent.as_of and traits.customer_id = consent.customer_id
    left join free_mailbox_domains on split_part(consent.primary_email, '@', 2) = free_mailbox_domains.domain
),

-- A company whose people write from one domain is that domain, so that a colleague with a private mailbox is in the same account.
companies as (
    select as_of, company, min(domain) as domain
    from employed
    where company is not null
    group by as_of, company
    having min(domain) = max(domain)
),

grouped as (
    select
        employed.as_of,
        employed.customer_id,
        {{ account_key('coalesce(employed.domain, companies.domain, employed.company)') }} as account_id,
        'h_' || substr(coalesce(employed.address_hash, housemates.household), 1, 16) as household_id
    from employed
    left join companies on employed.as_of = companies.as_of and employed.company = companies.company
    left join housemates on employed.as_of = housemates.as_of and employed.customer_id = housemates.customer_id
)

select * from grouped
