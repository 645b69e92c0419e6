"""What the map of profiles to customers must be before anything looks through it."""

from expectations.suite import BY_VALIDITY, Suite, never, none_of, ordered

SUITE = Suite(
    table="marts.identity_map",
    window=BY_VALIDITY,
    key=("profile_key", "customer_id", "valid_from"),
    columns=("profile_key", "customer_id", "root_profile_key", "valid_from", "valid_to"),
    expectations=(
        ordered("valid_from", "valid_to"),
        never("customer_is_the_hash_of_its_root", "customer_id <> 'c_' || substr(sha256(root_profile_key), 1, 16)"),
        none_of(
            "profile_is_one_customer_at_a_time",
            """
            select first_one.profile_key, first_one.customer_id, first_one.valid_from
            from {batch} as first_one
            inner join {batch} as other_one
                on first_one.profile_key = other_one.profile_key
                and first_one.valid_from < other_one.valid_to
                and other_one.valid_from < first_one.valid_to
                and (first_one.valid_from, first_one.customer_id) <> (other_one.valid_from, other_one.customer_id)
            """,
        ),
        none_of(
            "root_belongs_to_its_customer",
            """
            select member.profile_key, member.customer_id, member.valid_from
            from {batch} as member
            anti join {batch} as root
                on member.root_profile_key = root.profile_key
                and member.customer_id = root.customer_id
                and member.valid_from < root.valid_to
                and root.valid_from < member.valid_to
            """,
        ),
    ),
)
