"""Arms computed once more from the documented hash, by code of our own."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

BUCKETS = 10_000
DIGITS = 13

# Everyone at the mailboxes that were mailed, as of the day that decided; the earliest assignment of any member profile holds.
PEOPLE = """
create or replace temp table holdout_people as
with mailed as (
    select distinct as_of, mailbox_hash, customer_id from platform_mail
),
at_mailbox as (
    select mailed.as_of, mailed.mailbox_hash, customers.customer_id
    from mailed
    inner join marts.dim_customers as customers
        on mailed.as_of = customers.as_of and mailed.mailbox_hash = customers.mailbox_hash
    union
    select as_of, mailbox_hash, customer_id from mailed
),
first_assigned as (
    select people.as_of, people.customer_id, assignments.arm, assignments.customer_id as assigned_customer_id
    from (select distinct as_of, customer_id from at_mailbox) as people
    inner join marts.identity_map as members
        on people.customer_id = members.customer_id
        and members.valid_from <= people.as_of and people.as_of < members.valid_to
    inner join activation.assignments as assignments
        on members.profile_key = assignments.profile_key and assignments.assigned_on <= people.as_of
    where assignments.experiment = $experiment
    qualify row_number() over (
        partition by people.as_of, people.customer_id order by assignments.assigned_on, assignments.profile_key
    ) = 1
)
select
    at_mailbox.*,
    first_assigned.arm as recorded_arm,
    coalesce(first_assigned.assigned_customer_id, at_mailbox.customer_id) as assigned_customer_id
from at_mailbox
left join first_assigned using (as_of, customer_id)
"""

ARMS = """
create or replace temp table holdout_arms as
select people.*, hashed.arm as hashed_arm
from holdout_people as people
inner join hashed_arms as hashed on people.assigned_customer_id = hashed.customer_id
"""


@dataclass(frozen=True)
class Holdout:
    """An experiment as the playbook writes it: arms share out the buckets in their order."""

    experiment: str
    salt: str
    baseline_arm: str
    arms: Sequence[tuple[str, float]]
    """Name and share of each arm."""

    def arm_of(self, customer_id: str) -> str:
        """The arm of a customer: first 13 hex digits of md5(`salt:customer_id`), modulo 10,000."""
        digest = hashlib.md5(f"{self.salt}:{customer_id}".encode(), usedforsecurity=False).hexdigest()
        bucket = int(digest[:DIGITS], 16) % BUCKETS
        share = 0.0
        for arm, part in self.arms:
            share += part
            if bucket < round(share * BUCKETS):
                return arm
        return self.arms[-1][0]


def assign_again(connection: duckdb.DuckDBPyConnection, holdout: Holdout) -> None:
    """Fill `holdout_arms`: as_of, mailbox_hash, customer_id, recorded_arm (null: none), hashed_arm.

    After a merge the earliest assignment of any member profile holds, so the hash is that of the customer who was assigned then.
    """
    connection.execute(PEOPLE, {"experiment": holdout.experiment})
    query = "select distinct assigned_customer_id from holdout_people"
    customers = [row[0] for row in connection.execute(query).fetchall()]
    arms = [holdout.arm_of(customer) for customer in customers]
    connection.register(
        "hashed_arms", pa.table({"customer_id": pa.array(customers, pa.string()), "arm": pa.array(arms, pa.string())})
    )
    connection.execute(ARMS)
    connection.unregister("hashed_arms")
