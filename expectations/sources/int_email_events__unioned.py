"""What an email event must look like before it counts as engagement or closes a mailbox."""

from expectations.suite import BY_LANDING, Suite, never, unique

SUITE = Suite(
    table="intermediate.int_email_events__unioned",
    window=BY_LANDING,
    key=("event_key",),
    columns=(
        "event_key",
        "source",
        "event",
        "landed_on",
        "occurred_at",
        "occurred_on",
        "mailbox_hash",
        "message_id",
        "is_machine",
    ),
    expectations=(
        unique("event_key"),
        never("email_event_is_not_from_the_future", "occurred_at >= landed_on + interval 2 day"),
        never(
            "event_that_closes_names_its_mailbox",
            "event in ('unsubscribed', 'complained', 'bounced') and mailbox_hash is null",
        ),
        never("bounce_says_why", "event = 'bounced' and reason is null", severity="warning"),
    ),
)
