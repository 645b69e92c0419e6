with rule as (
    select * from {{ suppression_rule('badly_rated_support_case') }} as rule
),

rated as (
    select resolved.customer_id, tickets.as_of, tickets.ticket_key, tickets.state_since as rated_at, rule.days
    from {{ states_as_of(
        ref('int_tickets__versioned'), 'ticket_key', as_of_days(),
        "coalesce(satisfaction in ('bad', 'bad_with_comment'), false)", 'updated_at',
        ever="satisfaction in ('bad', 'bad_with_comment')"
    ) }} as tickets
    inner join {{ resolved_profiles(as_of_days()) }} as resolved
        on tickets.as_of = resolved.as_of and tickets.profile_key = resolved.profile_key
    inner join rule on tickets.as_of = rule.as_of
    where tickets.satisfaction in ('bad', 'bad_with_comment')
        and {{ business_day('tickets.state_since') }} > tickets.as_of - rule.days
),

newest as (
    select
        *,
        row_number() over (partition by as_of, customer_id order by rated_at desc, ticket_key) as ticket_number
    from rated
),

suppressed as (
    select
        as_of,
        'person' as scope,
        customer_id,
        cast(null as varchar) as mailbox_hash,
        'badly_rated_support_case' as reason,
        rated_at as starts_at,
        rated_at + to_days(days) as expires_at,
        ticket_key as evidence
    from newest
    where ticket_number = 1
)

select * from suppressed
