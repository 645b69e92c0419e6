"""What a support ticket must look like before it keeps somebody from being mailed."""

from expectations.suite import BY_LANDING, Suite, never, one_of, unique

SUITE = Suite(
    table="intermediate.int_tickets__versioned",
    window=BY_LANDING,
    key=("ticket_key", "landed_on"),
    columns=(
        "ticket_key",
        "source",
        "landed_on",
        "profile_key",
        "status",
        "created_at",
        "updated_at",
    ),
    expectations=(
        unique("ticket_key", "landed_on"),
        one_of("status", "new", "open", "pending", "hold", "solved", "closed"),
        never(
            "open_ticket_names_its_requester",
            "status in ('new', 'open', 'pending', 'hold') and profile_key is null",
            severity="warning",
        ),
        never("ticket_is_not_updated_before_it_is_created", "updated_at < created_at", severity="warning"),
    ),
)
