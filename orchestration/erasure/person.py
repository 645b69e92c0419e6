"""Who an address belongs to: the customer of the latest day, and every identifier that is this customer's alone."""

from datetime import date
from typing import Final, NamedTuple

import duckdb

from activation.state.erasure import Tombstone, salted
from orchestration.normalise import normalise_email
from orchestration.resources import Settings, UserError

OPEN_END: Final = date(9999, 12, 31)

CUSTOMERS: Final = """
select people.customer_id, count(distinct people.profile_key) as profiles
from marts.identity_map as people
where people.valid_to = $open_end and people.profile_key in (
    select profile_key from intermediate.int_profile_sightings__unioned where email = $email
)
group by people.customer_id order by people.customer_id
"""

PROFILES: Final = """
create or replace temp table person as
select distinct profile_key from marts.identity_map where valid_to = $open_end and customer_id = $customer
"""

# An identifier that others bear too stays theirs; one that is blocked (a placeholder) is nobody's.
IDENTIFIERS: Final = """
with borne as (
    select profile_key, identifier_type, identifier_value
    from intermediate.int_profile_sightings__unioned
    unpivot (identifier_value for identifier_type in (email, phone, user_id, device, alias))
),
exclusive as (
    select identifier_type, identifier_value
    from borne
    group by identifier_type, identifier_value
    having bool_and(profile_key in (select profile_key from person))
)
select if(identifier_type = 'alias', 'profile_key', identifier_type), identifier_value from exclusive
where sha256($salt || ':' || identifier_value) not in (
    select identifier_hash from intermediate.int_identifiers__linked where is_blocked
)
union all
select 'profile_key', profile_key from person
union all
select distinct 'customer_id', customer_id from marts.identity_map where root_profile_key in (select profile_key from person)
union all
select 'order_key', order_key from intermediate.int_orders__unioned
group by order_key having bool_and(profile_key in (select profile_key from person))
"""

KNOWN: Final = """
select count(*) from duckdb_tables()
where schema_name || '.' || table_name in (
    'marts.identity_map', 'intermediate.int_profile_sightings__unioned', 'intermediate.int_identifiers__linked',
    'intermediate.int_orders__unioned'
)
"""
NEEDED: Final = 4
LONG_ENOUGH: Final = 9


class Person(NamedTuple):
    """What is known of who is to be erased.

    Attributes:
        email: The address that was asked for, normalised.
        profiles: Profiles of the customer; 0 where the warehouse does not know the address, or no longer.
        identifiers: (kind, value) of everything that is the person's alone.
    """

    email: str
    profiles: int
    identifiers: frozenset[tuple[str, str]]

    def tombstones(self, salt: str) -> frozenset[Tombstone]:
        """The identifiers as salted hashes."""
        return frozenset(Tombstone(kind, salted(salt, value)) for kind, value in self.identifiers)  # type: ignore[arg-type]

    @property
    def needles(self) -> frozenset[str]:
        """Values that can be searched for in any text, lower case: too long to occur by chance; salted hashes may stay."""
        emails = {value for kind, value in self.identifiers if kind == "email"}
        others = {
            value.rpartition(":")[2]
            for kind, value in self.identifiers
            if kind not in {"email", "customer_id"} and not value.startswith("mailbox:")
        }
        return frozenset(value.lower() for value in {*emails, *others} if value in emails or len(value) >= LONG_ENOUGH)


def find_person(
    connection: duckdb.DuckDBPyConnection, settings: Settings, address: str, *, customer: str | None = None
) -> Person:
    """Find the customer of an address.

    Args:
        connection: The warehouse.
        settings: For the salt.
        address: As the operator typed it.
        customer: Which one, where several share the address.

    Raises:
        UserError: This is no address, or several customers share it and none of them was named.
    """
    email = normalise_email(address)
    if email is None:
        message = "this is no email address: give the whole address, such as ada@example.com"
        raise UserError(message)
    rows = connection.execute(KNOWN).fetchall()
    if rows[0][0] < NEEDED:
        return Person(email, 0, frozenset({("email", email)}))
    people = dict(connection.execute(CUSTOMERS, {"email": email, "open_end": OPEN_END}).fetchall())
    if customer is None and len(people) > 1:
        message = (
            f"{len(people)} customers share this address, so it is not one person's: say --customer with one of "
            + ", ".join(sorted(people))
        )
        raise UserError(message)
    if customer is not None and customer not in people:
        message = f"{customer} is no customer of this address: " + (", ".join(sorted(people)) or "it has none")
        raise UserError(message)
    if not people:
        return Person(email, 0, frozenset({("email", email)}))
    connection.execute(PROFILES, {"customer": customer or next(iter(people)), "open_end": OPEN_END})
    found = connection.execute(IDENTIFIERS, {"salt": settings.salt}).fetchall()
    profiles = connection.execute("select count(*) from person").fetchall()[0][0]
    return Person(email, profiles, frozenset(found))
