"""What a statement about a mailbox must look like before it may open or close that mailbox."""

from expectations.suite import BY_LANDING, Suite, never

SUITE = Suite(
    table="intermediate.int_consent_evidence__unioned",
    window=BY_LANDING,
    key=("evidence_id",),
    columns=(
        "evidence_id",
        "source",
        "landed_on",
        "mailbox_hash",
        "channel",
        "statement",
        "is_affirmative",
        "occurred_at",
    ),
    expectations=(
        never("only_a_subscription_is_affirmative", "is_affirmative and statement not in ('subscribed', 'confirmed')"),
        # The newest statement decides: one from the future would decide until its day has come.
        never("evidence_is_not_from_the_future", "occurred_at >= landed_on + interval 2 day"),
        never("affirmative_evidence_has_its_time", "is_affirmative and occurred_at is null"),
    ),
)
