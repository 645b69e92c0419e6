"""What a source record must look like before it enters identity resolution."""

from expectations.suite import BY_LANDING, Suite, looks_like_address, never

SUITE = Suite(
    table="intermediate.int_profiles__unioned",
    window=BY_LANDING,
    key=("profile_key", "landed_on"),
    columns=(
        "profile_key",
        "source",
        "landed_on",
        "email",
        "mailbox_hash",
        "phone",
        "user_id",
        "first_name",
        "last_name",
    ),
    expectations=(
        looks_like_address("email", severity="warning"),
        never("mailbox_hash_has_its_address", "mailbox_hash is not null and email is null"),
        never("profile_key_holds_no_address", "profile_key like '%@%'", severity="warning"),
        # Two days: a business day may end a day later than the UTC day of the same name.
        never("profile_is_not_created_after_it_landed", "created_at >= landed_on + interval 2 day", severity="warning"),
        never("profile_is_not_updated_before_it_is_created", "updated_at < created_at", severity="warning"),
    ),
)
