"""What the people of a claimed list read, and who writes to them: where a relay meets the playbook's content."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import duckdb

from activation.emails.compose import Rendered, Row, Sender
from activation.emails.person import facts_of
from activation.emails.render import Links, links_of, render_message
from activation.playbook.content import Content
from activation.release.attempts import waiting
from activation.state.store import StateStore
from orchestration.resources import UserError

# The send list writes the mailbox's token into both links of the header; the one for mail ends with it.
TOKEN: Final = re.compile(r"<mailto:[^>]*\?subject=([0-9a-f]+)>")


@dataclass(frozen=True)
class Letters:
    """Emails of one partition: one sender, and what each person reads."""

    sender: Sender
    render: Callable[[Row], Rendered]


def sender_of(store: StateStore, as_of: date) -> Sender:
    """Who writes, by the playbook that decided a partition.

    Raises:
        UserError: If it is of a time when no email could be rendered.
    """
    playbook = store.playbook_in_force(as_of)
    if playbook is None or playbook.brand is None:
        message = f"the playbook of {as_of} has no emails that can be rendered: release it with --to files"
        raise UserError(message)
    brand = playbook.brand
    return Sender(brand.sender_name, brand.from_email, brand.reply_to)


def letters_of(connection: duckdb.DuckDBPyConnection, store: StateStore, as_of: date, *, currency: str = "") -> Letters:
    """How the emails of a claimed partition that wait are rendered: by the version that decided each, and what was known that day.

    Args:
        connection: The warehouse.
        store: The state store.
        as_of: The partition.
        currency: Of prices that name none.

    Raises:
        UserError: As `sender_of`.
    """
    contents = store.contents()
    by_version: dict[str, list[str]] = {}
    for claimed in waiting(store, as_of):
        by_version.setdefault(claimed.row["playbook_version"], []).append(claimed.row["customer_id"])
    facts = {
        version: facts_of(connection, contents[version].variables, customers, as_of=as_of, currency=currency)
        for version, customers in by_version.items()
        if version in contents
    }

    def render(row: Row) -> Rendered:
        version = row["playbook_version"]
        return _render(contents[version], row, facts[version].get(row["customer_id"], {}))

    return Letters(sender_of(store, as_of), render)


def _render(content: Content, row: Row, person: Mapping[str, Any]) -> Rendered:
    return render_message(
        content,
        flow=row["flow"],
        step=row["step"],
        block_choices={block: choice["variant"] for block, choice in json.loads(row["block_choices"]).items()},
        person=person,
        links=_links(content, row["list_unsubscribe"]),
    )


def _links(content: Content, list_unsubscribe: str) -> Links:
    found = TOKEN.search(list_unsubscribe)
    if found is None:
        message = "the row has no token to unsubscribe by"
        raise ValueError(message)
    return links_of(content, found[1])
