"""What the pictures of identity show, read from the warehouse as of a day, and the pictures as metadata."""

import base64
from datetime import date

import dagster as dg
import duckdb

from reporting.data import CustomerSize, CutHub, Tie, Whom
from reporting.pictures import draw_customers, draw_sizes

SIZES = """
select profile_count, count(*) as customer_count
from (select count(*) as profile_count from identity.map where valid_from <= $day and valid_to > $day group by root_no)
group by profile_count order by profile_count
"""

# A value that one profile alone bears ties nothing, unless it is cut: then it shows who was not merged.
TIES = """
with members as (
    select profile_no, root_no from identity.map where valid_from <= $day and valid_to > $day
),
largest as (
    select members.root_no, profiles.profile_key as root_key, count(*) as profile_count
    from members inner join identity.profiles as profiles on members.root_no = profiles.profile_no
    group by all having profile_count > 1
    order by profile_count desc, root_key limit $customers
),
drawn as (
    select members.profile_no, profiles.profile_key, largest.*
    from members
    inner join largest using (root_no)
    inner join identity.profiles using (profile_no)
    qualify row_number() over (partition by largest.root_no order by profiles.first_landed_on, profiles.profile_key) <= $profiles
),
cut as (
    select * from identity.hubs where hub_from <= $day and hub_to > $day
),
borne as (
    select drawn.root_no, links.profile_no, links.identifier_no, cut.reason, cut.profile_count as bearer_count
    from drawn
    inner join identity.links using (profile_no)
    left join cut using (identifier_no)
    where links.first_landed_on <= $day
    qualify cut.reason is not null or count(*) over (partition by drawn.root_no, links.identifier_no) > 1
),
weighed as (
    select root_no, identifier_no, reason is not null as is_cut, max(bearer_count) as bearer_count, count(*) as held
    from borne group by all
),
shown as (
    from weighed
    qualify row_number() over (partition by root_no, is_cut order by bearer_count desc, held desc, identifier_no)
        <= case when is_cut then $cut else $values end
)
select
    'c_' || substr(sha256(drawn.root_key), 1, 16) as customer_id, drawn.profile_count, drawn.profile_no,
    split_part(drawn.profile_key, ':', 1) as source, borne.identifier_no, identifiers.identifier_type,
    identifiers.identifier_hash, borne.reason as hub_reason, borne.bearer_count
from drawn
left join (borne semi join shown using (root_no, identifier_no)) as borne
    on drawn.profile_no = borne.profile_no and drawn.root_no = borne.root_no
left join identity.identifiers using (identifier_no)
order by drawn.profile_count desc, drawn.root_key, drawn.profile_key, identifiers.identifier_type, identifiers.identifier_hash
"""
CUSTOMERS, PROFILES, VALUES, CUT = 4, 24, 36, 6

HUBS = """
select identifier_type, identifier_hash, reason, hub_from, profile_count, count(*) over () as hub_count from identity.hubs
where hub_from <= $day and hub_to > $day
order by profile_count desc, identifier_type, identifier_hash limit $rows
"""
ROWS = 10


def read_whom(connection: duckdb.DuckDBPyConnection, day: date) -> Whom:
    """Customers by size, what ties the largest together, and the cut values that most profiles bear; hashes and counts only."""
    sizes = connection.execute(SIZES, {"day": day}).fetchall()
    limits = {"customers": CUSTOMERS, "profiles": PROFILES, "values": VALUES, "cut": CUT}
    ties = connection.execute(TIES, {"day": day, **limits}).fetchall()
    hubs = connection.execute(HUBS, {"day": day, "rows": ROWS}).fetchall()
    return Whom(
        sizes=tuple(CustomerSize(*row) for row in sizes),
        ties=tuple(Tie(*row) for row in ties),
        hubs=tuple(CutHub(*row[:-1]) for row in hubs),
        hub_count=hubs[0][-1] if hubs else 0,
    )


def pictures_of(whom: Whom) -> dict[str, dg.MetadataValue[str | None]]:
    """The pictures as metadata that Dagster's UI shows."""
    customers = [f"{said}\n\n{_image(drawn)}" for said, drawn in draw_customers(whom).items()]
    return {
        "customers_by_size": dg.MetadataValue.md(_image(draw_sizes(whom))),
        "largest_customers": dg.MetadataValue.md("\n\n".join(customers) or "no customer has two profiles"),
    }


def _image(drawn: str) -> str:
    return f"![](data:image/svg+xml;base64,{base64.b64encode(drawn.encode()).decode()})"
