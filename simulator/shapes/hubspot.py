"""Contacts as HubSpot exports them: one CSV row per contact, by the internal names of its properties."""

import csv
from io import StringIO
from typing import NamedTuple

import numpy as np

from simulator.arrays import NONE, Ints
from simulator.histories import History
from simulator.instants import write_utc
from simulator.names import CITIES

NEWSLETTER = "hs_email_optout_7341205"
"""The subscription type of the newsletter."""
CONTACTS = (
    "hs_object_id", "email", "hs_additional_emails", "firstname", "lastname", "phone", "company", "createdate",
    "lastmodifieddate", "lifecyclestage", "hs_email_optout", NEWSLETTER, "hs_email_hard_bounce_reason_enum",
    "hs_merged_object_ids", "hs_legal_basis", "hs_timezone",
)  # fmt: skip
HEADER = ",".join(CONTACTS)
LEGAL_BASIS = "Legitimate interest – existing customer"


class Rows(NamedTuple):
    """CSV lines, their ids, and when each was written."""

    text: list[str]
    ids: list[str]
    written_at: Ints


def write_contacts(history: History, start: int) -> Rows:
    """Each contact when it is created, and again when it takes in another; flags are `true` or empty, as HubSpot leaves them."""
    contacts, people, selves = history.contacts, history.people, history.selves
    takes_in = np.flatnonzero((contacts.merged_id != NONE) & (contacts.merged_at != NONE))
    row = np.concatenate([np.arange(len(contacts.person)), takes_in])
    is_merged = np.repeat([False, True], [len(contacts.person), len(takes_in)])
    person = contacts.person[row]
    updated_at = np.where(is_merged, contacts.merged_at[row], contacts.created_at[row])
    left_at = history.mailing.unsubscribed_at[person]
    is_out = ["true" if out else "" for out in ((left_at != NONE) & (left_at < updated_at)).tolist()]
    ids = [str(number) for number in contacts.id[row].tolist()]
    bought_at = np.full(len(people), np.iinfo(np.int64).max)
    np.minimum.at(bought_at, history.orders.person, history.orders.ordered_at)
    stage = ["customer" if has else "lead" for has in (bought_at[person] < updated_at).tolist()]
    columns = (
        ids, contacts.email[row].tolist(), np.where(is_merged, contacts.merged_email[row], "").tolist(),
        selves.first_name[person].tolist(), selves.last_name[person].tolist(), contacts.phone[row].tolist(),
        [f"Company {number}" if number != NONE else "" for number in contacts.company[row].tolist()],
        write_utc(contacts.created_at[row]), write_utc(updated_at), stage, is_out, is_out, [""] * len(ids),
        [str(number) if merged else "" for number, merged in zip(contacts.merged_id[row].tolist(), is_merged.tolist(), strict=True)],
        [LEGAL_BASIS] * len(ids), [CITIES[city][4].lower().replace("/", "_slash_") for city in selves.city[person].tolist()],
    )  # fmt: skip
    text = [_line(cells) for cells in zip(*columns, strict=True)]
    return Rows(text, ids, np.maximum(updated_at, start))


def _line(cells: tuple[str, ...]) -> str:
    line = StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()
