"""What is known of a person must be consistent before a decision reads it."""

from expectations.suite import BY_DAY, Suite, looks_like_address, never, none_of

SUITE = Suite(
    table="marts.dim_customers",
    window=BY_DAY,
    key=("as_of", "customer_id"),
    columns=(
        "as_of", "customer_id", "primary_email", "mailbox_hash", "account_id", "household_id", "first_seen_on", "consent_status",
        "consent_evidence_id", "lifecycle_stage", "value_tier", "timezone", "is_identity_uncertain",
    ),
    needs=("marts.identity_map",),
    expectations=(
        looks_like_address("primary_email", severity="warning"),
        never("mailbox_hash_has_its_address", "(mailbox_hash is null) <> (primary_email is null)"),
        never("customer_is_not_seen_in_the_future", "first_seen_on > as_of"),
        never(
            "implied_consent_ends",
            "consent_basis = 'implied' and coalesce(consent_expires_on <= as_of, true)",
        ),
        never("no_consent_without_evidence", "consent_status in ('subscribed', 'confirmed') and consent_evidence_id is null"),
        none_of(
            "customer_is_in_the_identity_map_of_the_day",
            """
            select customers.as_of, customers.customer_id
            from {batch} as customers
            anti join marts.identity_map as identities
                on customers.customer_id = identities.customer_id
                and identities.valid_from <= customers.as_of
                and customers.as_of < identities.valid_to
            """,
        ),
    ),
)  # fmt: skip
