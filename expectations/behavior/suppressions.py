"""Reasons not to mail must be complete and in force before a decision trusts that there are no others."""

from expectations.suite import BY_DAY, Suite, never, none_of, ordered

SUITE = Suite(
    table="marts.suppressions",
    window=BY_DAY,
    key=("as_of", "scope", "reason", "customer_id", "mailbox_hash"),
    columns=("as_of", "scope", "reason", "customer_id", "mailbox_hash", "starts_at", "expires_at", "evidence"),
    needs=("marts.dim_customers",),
    expectations=(
        ordered("starts_at", "expires_at"),
        never("suppression_names_whom", "customer_id is null and mailbox_hash is null"),
        never("suppression_is_in_force", "expires_at < as_of", severity="warning"),
        # Read from the other side: the gate must also see the suppression that is not there.
        none_of(
            "closed_mailbox_is_suppressed",
            """
            select customers.as_of, 'mailbox' as scope, customers.consent_status as reason, customers.customer_id, customers.mailbox_hash
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
)
