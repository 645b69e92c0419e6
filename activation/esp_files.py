"""The released list in the shapes that the importers of Klaviyo, Mailchimp and SendGrid take: one row per address.

Everything about the decision is a property of the contact, which the ESP's template and its events read.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from activation.destinations import Esp

# A property of a contact, and where it comes from. What can be a person's own text is `first_name` and `subject`: a cell of them
# that a spreadsheet would take for a formula gets an apostrophe (https://owasp.org/www-community/attacks/CSV_Injection). An address may
# begin so (+news@shop.example) and stays as it is, unless it holds what a formula needs to do harm and no mailbox needs.
TEXT = "regexp_replace(trim(regexp_replace(coalesce({0}, ''), '[[:cntrl:]]+', ' ', 'g')), '^([=+@-])', '''\\1')"
EMAIL = "regexp_replace(email, '^([=+@-].*[^A-Za-z0-9._%+=@-])', '''\\1')"
PROPERTIES = {
    "decision_id": "decision_id",
    "flow": "flow",
    "step": "step",
    "arm": "arm",
    "subject": TEXT.format("subject"),
    "send_date": "strftime(send_date, '%Y-%m-%d')",
    "send_after": "strftime(send_after_utc, '%Y-%m-%dT%H:%M:%SZ')",
    "send_before": "strftime(send_before_utc, '%Y-%m-%dT%H:%M:%SZ')",
    "unsubscribe_url": "regexp_extract(list_unsubscribe, '<(https://[^>]*)>', 1)",
}

# Mailchimp knows a field by its merge tag: at most ten capitals, digits and underscores.
MERGE_TAGS = {
    "decision_id": "DECISION", "flow": "FLOW", "step": "STEP", "arm": "ARM", "subject": "SUBJECT", "send_date": "SENDDATE",
    "send_after": "SENDAFTER", "send_before": "SENDBEFORE", "unsubscribe_url": "UNSUBURL",
}  # fmt: skip

BLOCKS = """
select distinct unnest(json_keys(block_choices)) as block from listed order by block
"""


def write_esp_file(connection: duckdb.DuckDBPyConnection, esp: Esp, path: Path) -> None:
    """Write the table `listed` as an ESP imports it: UTF-8, every cell quoted, the same rows the same bytes.

    Args:
        connection: Holds `listed`, columns of the send list.
        esp: Whose importer reads it.
        path: The file.
    """
    blocks = [block for (block,) in connection.execute(BLOCKS).fetchall()]
    columns = ", ".join(f'{value} as "{name}"' for name, value in COLUMNS[esp](blocks))
    target = str(path).replace("'", "''")
    connection.execute(
        f"copy (select {columns} from listed order by decision_id) to '{target}' (format csv, header, force_quote *)"
    )


def listed(table: pa.Table) -> duckdb.DuckDBPyConnection:
    """A connection of its own in which the rows of a send list are the table `listed`."""
    connection = duckdb.connect()
    connection.register("listed", table)
    return connection


def _klaviyo(blocks: Sequence[str]) -> Iterator[tuple[str, str]]:
    """https://help.klaviyo.com/hc/en-us/articles/115005078967: the address first, then properties by their names, then own ones."""
    yield from (("Email", EMAIL), ("First Name", TEXT.format("first_name")))
    yield from _own(blocks)


def _mailchimp(blocks: Sequence[str]) -> Iterator[tuple[str, str]]:
    """https://mailchimp.com/help/format-guidelines-for-your-import-file: one address a row, several tags in one cell by commas."""
    yield from (("Email Address", EMAIL), ("FNAME", TEXT.format("first_name")))
    yield ("Tags", "'holdfast_' || strftime(send_date, '%Y-%m-%d') || ',' || flow || '_' || step")
    tags = _merge_tags(blocks)
    yield from ((MERGE_TAGS[name], value) for name, value in PROPERTIES.items())
    yield from ((tags[block], _variant(block)) for block in blocks)


def _sendgrid(blocks: Sequence[str]) -> Iterator[tuple[str, str]]:
    """https://www.twilio.com/docs/sendgrid/ui/managing-contacts/custom-fields: reserved fields, then custom ones of [A-Za-z0-9_]."""
    yield from (("email", EMAIL), ("first_name", TEXT.format("first_name")))
    yield from _own(blocks)


COLUMNS = {"klaviyo": _klaviyo, "mailchimp": _mailchimp, "sendgrid": _sendgrid}


def _own(blocks: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield from ((f"holdfast_{name}", value) for name, value in PROPERTIES.items())
    yield from ((f"holdfast_block_{block}", _variant(block)) for block in blocks)


def _variant(block: str) -> str:
    """Which variant of a block a row gets; the name of a block is checked by the playbook."""
    return f"coalesce(json_extract_string(block_choices, '$.{block}.variant'), '')"


def _merge_tags(blocks: Sequence[str]) -> Mapping[str, str]:
    """A merge tag for each block, of at most ten characters and none twice."""
    tags: dict[str, str] = {}
    for block in blocks:
        same = sum(tag.startswith(f"B_{block[:6].upper()}") for tag in tags.values())
        tags[block] = f"B_{block[:6].upper()}{same + 1 if same else ''}"
    return tags
