"""What the probabilistic pass would change, told before it is switched on; nothing is written to the map."""

from datetime import date, timedelta
from typing import NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from activation.playbook.playbook import Playbook
from ml.identity.match import Proposals
from orchestration.defs.identity.consequences import tell_moves
from orchestration.defs.identity.decisions import Decisions
from orchestration.defs.identity.dictionary import execute
from orchestration.defs.identity.identity_matches import propose

SHOWN = 10  # proposals from either end

# Customers from the oldest to the youngest: of two that are joined, the older id stays.
CUSTOMERS = """
create or replace temp table ages as
select customer_id, row_number() over (order by first_landed_on, profile_key) - 1 as place
from (
    select distinct customer_id, root_profile_key as profile_key from marts.identity_map
    where valid_from <= $as_of and $as_of < valid_to
)
inner join identity.profiles using (profile_key);
create or replace temp table yesterday as
select profile_key, customer_id from marts.identity_map where valid_from <= $as_of and $as_of < valid_to
"""

JOINED = """
select left_age.place, right_age.place
from proposed
inner join yesterday as left_side on proposed.left_key = left_side.profile_key
inner join yesterday as right_side on proposed.right_key = right_side.profile_key
inner join ages as left_age on left_side.customer_id = left_age.customer_id
inner join ages as right_age on right_side.customer_id = right_age.customer_id
"""

TODAY = """
create or replace temp table today as
select yesterday.profile_key, oldest.customer_id
from yesterday
inner join ages using (customer_id)
inner join survivors using (place)
inner join ages as oldest on survivors.oldest = oldest.place
"""

SIZES = """
select count(*), max(profiles), count(*) filter (where profiles = 1)
from (select count(*) as profiles from {people} group by customer_id)
"""


class Comparison(NamedTuple):
    """Both identities of a day, and what the second one would do."""

    day: date
    proposals: Proposals
    without: tuple[int, int, int]
    joined: tuple[int, int, int]
    consequences: list[str]

    def lines(self) -> list[str]:
        """As the command prints it: numbers, proposals by key and weight, consequences."""
        links = self.proposals.links
        if not links.num_rows:
            return [f"The pass proposes nothing on {self.day}: {self.proposals.reason}"]
        rows = list(zip(*(links[name].to_pylist() for name in links.column_names), strict=True))
        shown = rows if len(rows) <= 2 * SHOWN else [*rows[:SHOWN], *rows[-SHOWN:]]
        names = ("customers", "largest, in profiles", "of one profile")
        return [
            f"# What the probabilistic pass would do on {self.day}",
            "",
            f"{links.num_rows:,} proposals among {self.proposals.candidates:,} compared pairs, by {', '.join(self.proposals.traits)}",
            "",
            "| | links alone | with proposals |",
            "| --- | --- | --- |",
            *(f"| {name} | {a:,} | {b:,} |" for name, a, b in zip(names, self.without, self.joined, strict=True)),
            "",
            f"## Proposals, likeliest first{f' (the first and the last {SHOWN})' if len(shown) < len(rows) else ''}",
            "",
            "| profile | profile | probability | match weight |",
            "| --- | --- | --- | --- |",
            *(f"| {left} | {right} | {probability:.4f} | {weight:.1f} |" for left, right, probability, weight in shown),
            "",
            *self.consequences,
        ]


def compare(connection: duckdb.DuckDBPyConnection, decisions: Decisions, playbook: Playbook, as_of: date) -> Comparison:
    """Run the pass for a day, switched on or not, and hold the customers that it would make against those that are.

    Guards are left aside: a proposal is a weak link, so a few large joins may be held in the end.

    Args:
        connection: The warehouse, with the mirrors of the state exposed.
        decisions: What the playbooks say of identity.
        playbook: Of the day; its caps are looked at.
        as_of: The day.
    """
    decisions.hand_in(connection)
    proposals = propose(connection, decisions.identity(as_of), as_of)
    execute(connection, CUSTOMERS, as_of=as_of)
    connection.register("proposed", proposals.links)
    pairs = connection.execute(JOINED).fetchnumpy()
    left, right = pairs.values()
    size = connection.execute("select count(*) from ages").fetchall()[0][0]
    _, labels = connected_components(coo_array((np.ones(len(left)), (left, right)), shape=(size, size)), directed=False)
    _, oldest = np.unique(labels, return_index=True)
    connection.register("survivors", pa.table({"place": np.arange(size), "oldest": oldest[labels]}))
    connection.execute(TODAY)
    consequences = tell_moves(connection, as_of + timedelta(days=1), caps=playbook.policies.caps)
    without, joined = (
        connection.execute(SIZES.format(people=people)).fetchall()[0] for people in ("yesterday", "today")
    )
    connection.unregister("proposed")
    connection.unregister("survivors")
    return Comparison(as_of, proposals, without, joined, consequences)
