with customers as (
    select * from {{ ref('int_customer_traits__picked') }} where {{ in_window('as_of') }}
),

mailboxes as (
    select * from {{ ref('int_customer_mailboxes__resolved') }} where {{ in_window('as_of') }}
),

order_days as (
    select
        as_of,
        customer_id,
        occurred_on,
        occurred_on - lag(occurred_on) over by_day as days_before,
        lead(occurred_on) over by_day as next_order_on
    from {{ customer_order_days(as_of_days()) }} as order_days
    where net_amount > 0
    window by_day as (partition by as_of, customer_id order by occurred_on)
),

-- Restrictions count from their landing: one whose clock is ahead has its day today.
statements as (
    select
        mailboxes.as_of,
        mailboxes.customer_id,
        least({{ business_day('known.occurred_at') }}, mailboxes.as_of) as stated_on,
        known.statement in ('complained', 'bounced', 'unsubscribed') as is_restriction,
        known.occurred_at
    from mailboxes
    inner join {{ known_statements() }} as known
        on mailboxes.as_of = known.as_of and mailboxes.mailbox_hash = known.mailbox_hash
    where known.statement in ('complained', 'bounced', 'unsubscribed')
        or (known.statement in ('subscribed', 'confirmed') and known.is_affirmative)
),

-- Of several statements of a day the last counts, of two at one time the restriction: as in folded_consent.
consent_days as (
    select
        as_of,
        customer_id,
        stated_on,
        max_by(
            case
                when is_restriction then '{{ lifecycle_stage_after('subscriber', 'unsubscribed') }}'
                else '{{ lifecycle_stage_after('prospect', 'subscribed') }}'
            end,
            struct_pack(occurred_at := occurred_at, is_restriction := is_restriction)
        ) as stage
    from statements
    group by as_of, customer_id, stated_on
),

stays as (
    select as_of, customer_id, 'seen' as cause, coalesce(first_seen_on, as_of) as entered_on, 'prospect' as stage
    from customers
    union all
    select as_of, customer_id, 'consent' as cause, stated_on as entered_on, stage
    from consent_days
    union all
    select
        order_days.as_of,
        order_days.customer_id,
        'order' as cause,
        order_days.occurred_on + silence.day as entered_on,
        silence.stage
    from (select *, {{ lifecycle_stage_on_order('days_before') }} as order_stage from order_days) as order_days
    inner join {{ lifecycle_silence_paths() }} as silence (order_stage, day, stage)
        on order_days.order_stage = silence.order_stage
        and order_days.occurred_on + silence.day <= order_days.as_of
        and order_days.occurred_on + silence.day < coalesce(order_days.next_order_on, date 'infinity')
),

compared as (
    select
        *,
        min(entered_on) filter (where cause = 'order') over customer as first_order_on,
        min(entered_on) filter (where cause <> 'seen') over customer as first_event_on
    from stays
    window customer as (partition by as_of, customer_id)
),

-- Consent moves nobody who has ordered, and nobody is a prospect once an event is known of them.
-- A stage that was left on the day of its entry is none.
effective as (
    select as_of, customer_id, entered_on, stage
    from compared
    where cause = 'order'
        or (cause = 'consent' and entered_on < coalesce(first_order_on, date 'infinity'))
        or (cause = 'seen' and entered_on < coalesce(first_event_on, date 'infinity'))
),

changes as (
    select *, lag(stage) over by_day as previous_stage
    from effective
    window by_day as (partition by as_of, customer_id order by entered_on)
    qualify stage is distinct from previous_stage
),

staged as (
    select as_of, customer_id, stage as lifecycle_stage, entered_on, previous_stage
    from changes
    qualify row_number() over (partition by as_of, customer_id order by entered_on desc) = 1
)

select * from staged
