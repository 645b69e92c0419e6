"""Contacts as HubSpot exports them: one CSV row per contact, by the internal names of its properties."""

import csv
from io import StringIO
from typing import NamedTuple

from simulator.arrays import NONE, Bools, Ints, Texts
from simulator.instants import write_utc

NEWSLETTER = "hs_email_optout_7341205"
"""The subscription type of the newsletter."""
CONTACTS = (
    "hs_object_id", "email", "hs_additional_emails", "firstname", "lastname", "phone", "company", "createdate",
    "lastmodifieddate", "lifecyclestage", "hs_email_optout", NEWSLETTER, "hs_email_hard_bounce_reason_enum",
    "hs_merged_object_ids", "hs_legal_basis", "hs_timezone",
)  # fmt: skip
HEADER = ",".join(CONTACTS)
LEGAL_BASIS = "Legitimate interest – existing customer"


class ContactVersions(NamedTuple):
    """Contacts as they stood after each change, shape (m,) each; the empty string says that there is none."""

    contact_id: Ints
    email: Texts
    additional_emails: Texts
    """Further addresses, `;` between them."""
    first_name: Texts
    last_name: Texts
    phone: Texts
    company: Texts
    created_at: Ints
    updated_at: Ints
    landed_at: Ints
    is_customer: Bools
    opted_out_at: Ints
    """`NONE` for those who may be mailed."""
    bounced_at: Ints
    """`NONE` for a mailbox that takes mail."""
    merged_ids: Texts
    """Contacts that were merged into this one, `;` between them."""
    timezone: Texts


class Rows(NamedTuple):
    """CSV lines, their ids, and when each was written."""

    text: list[str]
    ids: list[str]
    written_at: Ints


def write_contacts(versions: ContactVersions) -> Rows:
    """One line per version of a contact; flags are `true` or empty, as HubSpot leaves what was never set."""
    is_out, has_bounced = (versions.opted_out_at != NONE).tolist(), (versions.bounced_at != NONE).tolist()
    ids = [str(number) for number in versions.contact_id.tolist()]
    rows = zip(
        ids, versions.email.tolist(), versions.additional_emails.tolist(), versions.first_name.tolist(),
        versions.last_name.tolist(), versions.phone.tolist(), versions.company.tolist(), write_utc(versions.created_at),
        write_utc(versions.updated_at), ["customer" if each else "lead" for each in versions.is_customer.tolist()],
        ["true" if each else "" for each in is_out], ["true" if each else "" for each in is_out],
        ["UNKNOWN_USER" if each else "" for each in has_bounced], versions.merged_ids.tolist(), [LEGAL_BASIS] * len(ids),
        versions.timezone.tolist(), strict=True,
    )  # fmt: skip
    return Rows([_line(row) for row in rows], ids, versions.landed_at)


def _line(cells: tuple[str, ...]) -> str:
    line = StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()
