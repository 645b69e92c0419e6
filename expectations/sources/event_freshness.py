"""What sources must keep of what they declared before anybody is sent by their data; the facts are kept all the same."""

from expectations.suite import BY_DAY, Suite, never, none_of, unique, within

FEEDS = "select source, object, as_of from marts.feed_health where as_of in (select as_of from {batch}) and "

SUITE = Suite(
    table="marts.event_freshness",
    window=BY_DAY,
    key=("source", "event", "as_of"),
    columns=(
        "source",
        "event",
        "as_of",
        "last_occurred_at",
        "last_landed_on",
        "lag_hours_p50",
        "lag_hours_p95",
        "max_lag_hours",
        "volume",
        "expected_volume",
        "completeness",
        "status",
    ),
    expectations=(
        unique("as_of", "source", "event"),
        within("volume", 0, None),
        never("nothing_lands_after_the_day", "last_landed_on > as_of"),
        none_of("source_declares_its_service_level", f"{FEEDS}max_bad_share is null"),
        none_of("refused_rows_are_within_the_declared_share", f"{FEEDS}has_too_many_bad_rows"),
        never("required_event_is_there", "source = 'required'", severity="warning"),
    ),
    needs=("marts.feed_health",),
)
