"""What a visit must look like before behaviour is read from it."""

from expectations.suite import BY_LANDING, Suite, never, unique

SUITE = Suite(
    table="intermediate.int_web_events__unioned",
    window=BY_LANDING,
    key=("event_key",),
    columns=(
        "event_key",
        "source",
        "event",
        "landed_on",
        "occurred_at",
        "occurred_on",
        "received_at",
        "profile_key",
        "product_key",
    ),
    expectations=(
        unique("event_key"),
        never("visit_is_not_from_the_future", "occurred_at >= landed_on + interval 2 day"),
        never("visit_is_received_after_it_happened", "received_at < occurred_at - interval 1 hour", severity="warning"),
        never("visit_names_somebody", "profile_key is null", severity="warning"),
    ),
)
