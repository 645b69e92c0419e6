"""What leaves the house: only people who may be mailed, once, in a window of time, as it was decided."""

from expectations.suite import BY_DAY, Suite, looks_like_address, never, none_of, ordered, unique

# Whom a suppression reaches, by the key of its scope. One join a scope and not one with `or`: on a million rows the gate takes 2.5
# seconds so, and five minutes otherwise.
HITS = " union ".join(
    f"""
                select list.decision_id, list.as_of, list.flow, suppressed.reason
                from grouped as list
                inner join suppressed
                    on list.as_of = suppressed.as_of
                    and list.{key} = suppressed.{key}
                    and suppressed.starts < list.send_before_utc and suppressed.ends > list.send_after_utc
    """
    for key in ("customer_id", "mailbox_hash", "household_id", "account_id")
)

SUITE = Suite(
    table="activation.send_list",
    window=BY_DAY,
    key=("decision_id",),
    columns=(
        "decision_id", "flow", "step", "occurrence", "as_of", "send_date", "customer_id", "mailbox_hash", "outcome", "arm",
        "email", "send_after_utc", "send_before_utc", "idempotency_key",
        "list_unsubscribe", "list_unsubscribe_post",
    ),
    needs=("activation.send_decisions", "marts.dim_customers", "marts.suppressions", "ops.flow_exceptions"),
    expectations=(
        looks_like_address("email"),
        unique("mailbox_hash", "send_date"),
        # A step that nobody released is due again tomorrow, with the same key: within a backfill only the ledger makes keys unique.
        unique("idempotency_key", "send_date"),
        ordered("send_after_utc", "send_before_utc"),
        never("row_can_be_mailed", "email is null or mailbox_hash is null or send_after_utc is null or send_before_utc is null"),
        never("nobody_held_out_is_on_the_list", "outcome <> 'sent' or arm = 'holdout'"),
        # RFC 8058: both headers, and an https address to post to.
        never(
            "row_can_be_unsubscribed_with_one_click",
            """
            list_unsubscribe is null or not contains(list_unsubscribe, '<https://')
            or list_unsubscribe_post is distinct from 'List-Unsubscribe=One-Click'
            """,
        ),
        # Local days reach from UTC-12 to UTC+14 around the send date.
        never(
            "window_is_on_the_send_date",
            "send_after_utc < send_date - interval 1 day or send_before_utc > send_date + interval 2 day",
        ),
        none_of(
            "row_is_a_customer_who_consents",
            """
            select list.decision_id
            from {batch} as list
            anti join marts.dim_customers as customers
                on list.as_of = customers.as_of
                and list.customer_id = customers.customer_id
                and list.mailbox_hash = customers.mailbox_hash
                and customers.consent_basis is not null
                and customers.consent_status not in ('unsubscribed', 'complained', 'bounced')
            """,
        ),
        none_of(
            "row_is_not_suppressed",
            f"""
            with suppressed as (
                select
                    suppressions.*,
                    coalesce(suppressions.starts_at, timestamp '0001-01-01 00:00:00') as starts,
                    coalesce(suppressions.expires_at, timestamp '9999-12-31 00:00:00') as ends
                from marts.suppressions as suppressions
                where suppressions.as_of between {{start}} and {{end}}
            ),
            grouped as (
                select list.*, customers.household_id, customers.account_id
                from {{batch}} as list
                left join marts.dim_customers as customers
                    on list.as_of = customers.as_of and list.customer_id = customers.customer_id
            ),
            hit as (
                {HITS}
            )
            select distinct hit.decision_id
            from hit
            anti join ops.flow_exceptions as exceptions
                on hit.as_of = exceptions.as_of and hit.flow = exceptions.flow and hit.reason = exceptions.reason
            """,
        ),
        none_of(
            "list_is_exactly_what_was_decided",
            """
            select coalesce(list.decision_id, decided.decision_id) as decision_id
            from (select * from {batch}) as list
            full join (
                select decision_id, customer_id, mailbox_hash
                from activation.send_decisions
                where outcome = 'sent' and as_of between {start} and {end}
            ) as decided
                on list.decision_id = decided.decision_id
                and list.customer_id = decided.customer_id
                and list.mailbox_hash = decided.mailbox_hash
            where list.decision_id is null or decided.decision_id is null
            """,
        ),
    ),
)  # fmt: skip
