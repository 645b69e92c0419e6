"""What a recorded assignment must look like before an effect is read from it."""

from expectations.suite import BY_LANDING, Suite, never, unique, within

SUITE = Suite(
    table="intermediate.int_assignments__recorded",
    window=BY_LANDING,
    key=("experiment", "profile_key"),
    columns=(
        "experiment",
        "profile_key",
        "landed_on",
        "arm",
        "planned_share",
        "assigned_at",
        "exposed_at",
        "ghost_at",
    ),
    expectations=(
        unique("experiment", "profile_key"),
        within("planned_share", 0, 1),
        never("assignment_names_its_arm", "arm is null"),
        never("exposure_comes_after_the_assignment", "exposed_at < assigned_at or ghost_at < assigned_at"),
        never("nobody_is_exposed_and_a_ghost", "exposed_at is not null and ghost_at is not null"),
    ),
)
