"""The released list in the shapes that the importers of Klaviyo, Mailchimp and SendGrid take: one row per address.

Everything about the decision is a property of the contact, which the ESP's template and its events read.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from activation.playbook.destinations import Esp

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


def write_esp_files(table: pa.Table, esps: Sequence[Esp], folder: Path, *, ending: str) -> None:
    """Write `<esp><ending>` for each ESP: UTF-8, every cell quoted, the same rows the same bytes.

    Args:
        table: Columns of the send list.
        esps: Whose importers read them.
        folder: Where to.
        ending: Of the files' names.
    """
    with duckdb.connect(config={"threads": 1}) as connection:  # a second one costs more than it gives
        connection.register("listed", table)
        blocks = [block for (block,) in connection.execute(BLOCKS).fetchall()]
        paths = ", ".join(f"'$.{block}.variant'" for block in blocks)  # the name of a block is checked by the playbook
        shown = f"select *, json_extract_string(block_choices, [{paths}]) as variants from listed"
        connection.execute(f"create table exported as select {', '.join(_values(blocks))} from ({shown}) as shown")
        for esp in esps:
            columns = ", ".join(f'"{value}" as "{name}"' for name, value in COLUMNS[esp](blocks))
            target = str(folder / f"{esp}{ending}").replace("'", "''")
            connection.execute(
                f"copy (select {columns} from exported order by decision_id) to '{target}' (format csv, header, force_quote *)"
            )


def _values(blocks: Sequence[str]) -> Iterator[str]:
    """Everything that a file may hold, worked out once for all ESPs."""
    yield f"{EMAIL} as email"
    yield f"{TEXT.format('first_name')} as first_name"
    yield "'holdfast_' || strftime(send_date, '%Y-%m-%d') || ',' || flow || '_' || step as tags"
    yield from (f"{value} as {name}" for name, value in PROPERTIES.items())
    for number, block in enumerate(blocks, start=1):
        yield f"coalesce(variants[{number}], '') as block_{block}"


def _klaviyo(blocks: Sequence[str]) -> Iterator[tuple[str, str]]:
    """https://help.klaviyo.com/hc/en-us/articles/115005078967: the address first, then properties by their names, then own ones."""
    yield from (("Email", "email"), ("First Name", "first_name"))
    yield from _own(blocks)


def _mailchimp(blocks: Sequence[str]) -> Iterator[tuple[str, str]]:
    """https://mailchimp.com/help/format-guidelines-for-your-import-file: one address a row, several tags in one cell by commas."""
    yield from (("Email Address", "email"), ("FNAME", "first_name"), ("Tags", "tags"))
    tags = _merge_tags(blocks)
    yield from ((MERGE_TAGS[name], name) for name in PROPERTIES)
    yield from ((tags[block], f"block_{block}") for block in blocks)


def _sendgrid(blocks: Sequence[str]) -> Iterator[tuple[str, str]]:
    """https://www.twilio.com/docs/sendgrid/ui/managing-contacts/custom-fields: reserved fields, then custom ones of [A-Za-z0-9_]."""
    yield from (("email", "email"), ("first_name", "first_name"))
    yield from _own(blocks)


COLUMNS = {"klaviyo": _klaviyo, "mailchimp": _mailchimp, "sendgrid": _sendgrid}


def _own(blocks: Sequence[str]) -> Iterator[tuple[str, str]]:
    names = (*PROPERTIES, *(f"block_{block}" for block in blocks))
    yield from ((f"holdfast_{name}", name) for name in names)


def _merge_tags(blocks: Sequence[str]) -> Mapping[str, str]:
    """A merge tag for each block, of at most ten characters and none twice."""
    tags: dict[str, str] = {}
    for block in blocks:
        same = sum(tag.startswith(f"B_{block[:6].upper()}") for tag in tags.values())
        tags[block] = f"B_{block[:6].upper()}{same + 1 if same else ''}"
    return tags
