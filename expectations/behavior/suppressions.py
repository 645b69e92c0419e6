"""Reasons not to mail must be complete and in force before a decision trusts that there are no others."""

from expectations.suite import BY_DAY, Suite, never, none_of, one_of, ordered

SUITE = Suite(
    table="marts.suppressions",
    window=BY_DAY,
    key=("as_of", "scope", "reason", "customer_id", "mailbox_hash", "household_id", "account_id"),
    columns=(
        "as_of", "scope", "reason", "customer_id", "mailbox_hash", "household_id", "account_id", "starts_at", "expires_at", "evidence",
    ),
    needs=("marts.dim_customers",),
    expectations=(
        ordered("starts_at", "expires_at"),
        one_of("scope", "person", "mailbox", "household", "account"),
        # What has not the key of its scope would reach nobody, or somebody else.
        never(
            "suppression_names_whom",
            """
            case scope
                when 'person' then customer_id
                when 'mailbox' then mailbox_hash
                when 'household' then household_id
                when 'account' then account_id
            end is null
            """,
        ),
        never("suppression_is_in_force", "expires_at < as_of", severity="warning"),
        # Read from the other side: the gate must also see the suppression that is not there.
        none_of(
            "closed_mailbox_is_suppressed",
            """
            select
                customers.as_of, 'mailbox' as scope, customers.consent_status as reason, customers.customer_id, customers.mailbox_hash,
                customers.household_id, customers.account_id
            from marts.dim_customers as customers
            anti join {batch} as people
                on customers.as_of = people.as_of and customers.customer_id = people.customer_id
            anti join {batch} as mailboxes
                on customers.as_of = mailboxes.as_of and customers.mailbox_hash = mailboxes.mailbox_hash
            where customers.as_of between {start} and {end}
                and customers.mailbox_hash is not null
                and customers.consent_status in ('unsubscribed', 'complained', 'bounced')
            """,
        ),
    ),
)  # fmt: skip
