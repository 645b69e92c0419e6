with excluded as (
    select * from {{ source('ops', 'excluded_accounts') }}
    where {{ in_window('as_of') }} and excluded_on <= as_of + 1 and coalesce(expires_on > as_of, true)
),

-- A company's people may be in the account of a domain.
companies as (
    select distinct as_of, company, account_id from {{ ref('dim_customers') }}
    where {{ in_window('as_of') }} and account_id is not null
),

accounts as (
    select
        excluded.*
        exclude (account_id),
        coalesce(excluded.account_id, {{ account_key('excluded.domain') }}, companies.account_id) as account_id
    from excluded
    left join companies on excluded.as_of = companies.as_of and lower(excluded.company) = companies.company
),

longest as (
    select
        *,
        row_number() over (
            partition by as_of, account_id order by expires_on is null desc, expires_on desc, excluded_on
        ) as exclusion_number
    from accounts
    where account_id is not null
),

suppressed as (
    select
        as_of,
        'account' as scope,
        cast(null as varchar) as customer_id,
        cast(null as varchar) as mailbox_hash,
        account_id,
        'account_exclusion' as reason,
        cast(excluded_on as timestamp) as starts_at,
        {{ business_day_end('expires_on - 1') }} as expires_at,
        coalesce(domain, company) as evidence
    from longest
    where exclusion_number = 1
)

select * from suppressed
