"""`holdfast preview`: an email of the playbook as it reads now, on a page; for a person, for a segment, or for nobody in particular."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from activation.emails.person import facts_of
from activation.emails.render import links_of, render_message
from activation.playbook.content import Content
from activation.playbook.flows import Block, Step
from activation.playbook.playbook import Playbook
from activation.state.tables import create_tables
from orchestration.preflight import load_valid_playbook
from orchestration.resources import Settings, UserError, Warehouse
from reporting.preview import Choice, Mail, Preview, build_page

FOLDER = "preview"
NOBODY = "preview"  # whoever clicks in a preview unsubscribes nobody

NEWEST = "select max(as_of) from activation.send_decisions"

DECIDED = """
select decisions.customer_id, decisions.block_choices, decisions.outcome, decisions.playbook_version
from activation.send_decisions as decisions
where decisions.as_of = $day and decisions.flow = $flow and decisions.step = $step and decisions.mailbox_hash = $mailbox_hash
order by decisions.block_choices = '{}', decisions.decision_id
limit 1
"""

CUSTOMERS = """
select customer_id from marts.dim_customers where as_of = $day and mailbox_hash = $mailbox_hash order by customer_id limit 1
"""

# What members of a segment were to see that day, the most common first.
SHOWN = """
with chosen as (
    select decisions.decision_id, blocks.block, decisions.block_choices -> blocks.block ->> 'variant' as variant
    from activation.send_decisions as decisions
    inner join marts.segment_membership as membership
        on decisions.as_of = membership.as_of and decisions.customer_id = membership.customer_id
    cross join unnest(json_keys(cast(decisions.block_choices as json))) as blocks(block)
    where decisions.as_of = $day and decisions.flow = $flow and decisions.step = $step and membership.segment = $segment
),
mails as (
    select decision_id, cast(to_json(map_from_entries(list((block, variant) order by block))) as varchar) as choices
    from chosen group by decision_id
)
select choices, count(*) from mails group by choices order by count(*) desc, choices
"""


class Reason(NamedTuple):
    """A variant and why it is shown."""

    variant: str
    why: str


class Seen(NamedTuple):
    """For whom an email is rendered, and what they would see."""

    whom: str
    day: date | None
    reasons: Mapping[str, Reason]
    person: Mapping[str, Any]
    remarks: tuple[str, ...]


def preview(
    settings: Settings,
    flow: str,
    step: str,
    *,
    email: str | None,
    segment: str | None,
    day: date | None,
    wanted: Mapping[str, str],
    is_all: bool,
) -> Path:
    """Write the page of an email.

    Args:
        settings: Where things are.
        flow: Its flow.
        step: Its step.
        email: Of a person who is known on the day, or
        segment: what its members would see; neither: everybody of whom nothing is known.
        day: The partition (None: the newest that was decided).
        wanted: Variant by block, whatever rules say.
        is_all: Whether each variant of each block is shown too.

    Returns:
        The page.

    Raises:
        NoSuchEmail: There is no such flow or step.
        UserError: There is no such block, variant, segment or person.
        PlaybookError: The playbook has faults.
    """
    book = load_valid_playbook()
    content, found = _step_of(book, flow, step, wanted)
    seen = _seen(settings, book, content, flow, step, email=email, segment=segment, day=day)
    wished = {block: Reason(variant, "asked for by --variant") for block, variant in wanted.items()}
    mails = [_mail(content, flow, found, "As it would be" if seen.reasons else "For everybody", seen, wished)]
    if is_all:
        mails += [
            _mail(content, flow, found, f"{block.block}: {variant}", seen, {block.block: Reason(variant, "one of all")})
            for block in found.blocks
            for variant in block.shown
            if len(block.shown) > 1
        ]
    page = Preview(
        flow=flow,
        step=step,
        sender=content.brand.sender_name,
        address=content.brand.from_email,
        whom=seen.whom,
        as_of=seen.day,
        remarks=seen.remarks,
        mails=mails,
    )
    return build_page(page, settings.publish / FOLDER)


def _step_of(book: Playbook, flow: str, step: str, wanted: Mapping[str, str]) -> tuple[Content, Step]:
    content, found = book.email_of(flow, step)
    blocks = {block.block: block for block in found.blocks}
    for block, variant in wanted.items():
        if block not in blocks:
            message = f"step {step} of {flow} has no block {block}: it has {', '.join(blocks)}"
            raise UserError(message)
        if variant not in blocks[block].shown:
            message = f"block {block} has no variant {variant}: it has {', '.join(blocks[block].shown)}"
            raise UserError(message)
    return content, found


def _seen(
    settings: Settings,
    book: Playbook,
    content: Content,
    flow: str,
    step: str,
    *,
    email: str | None,
    segment: str | None,
    day: date | None,
) -> Seen:
    if email is None and segment is None:
        return Seen("somebody of whom nothing is known", None, {}, {}, ())
    if segment is not None and f"segment/{segment}" not in book.content_hashes:
        message = f"there is no segment {segment}: `holdfast approve` lists all"
        raise UserError(message)
    if not settings.warehouse.exists():
        message = "nothing was decided yet, so nobody is known: run `holdfast run --date D` first, or leave out --email and --segment"
        raise UserError(message)
    with Warehouse(settings.warehouse).connect() as connection:
        create_tables(connection)
        asked = {"flow": flow, "step": step, "day": day or connection.execute(NEWEST).fetchall()[0][0]}
        if asked["day"] is None:
            message = "nothing was decided yet: run `holdfast run --date D` first"
            raise UserError(message)
        if email is not None:
            mailbox_hash = hashlib.sha256(f"{settings.salt}:{email.strip().lower()}".encode()).hexdigest()
            return _of_person(connection, book, content, asked, mailbox_hash, currency=settings.currency)
        return _of_segment(connection, content.step(flow, step), asked, str(segment))


def _of_person(
    connection: duckdb.DuckDBPyConnection,
    book: Playbook,
    content: Content,
    asked: Mapping[str, Any],
    mailbox_hash: str,
    *,
    currency: str,
) -> Seen:
    decided = connection.execute(DECIDED, {**asked, "mailbox_hash": mailbox_hash}).fetchone()
    known = connection.execute(CUSTOMERS, {"day": asked["day"], "mailbox_hash": mailbox_hash}).fetchone()
    if decided is None and known is None:
        message = f"no customer has this mailbox on {asked['day']}"
        raise UserError(message)
    customer = (decided or known or ("",))[0]
    facts = facts_of(connection, content.variables, [customer], as_of=asked["day"], currency=currency)
    person = facts[customer]
    if decided is None:
        remark = "No such email was due to this person that day: each block shows its fallback."
        return Seen("one person", asked["day"], {}, person, (remark,))
    reasons = {
        block: Reason(one["variant"], one["rule"] + (f": {one['fallback_reason']}" if one["fallback_reason"] else ""))
        for block, one in json.loads(decided[1]).items()
    }
    remarks = [f"The decision of that day: {decided[2].replace('_', ' ')}."]
    if not reasons:
        remarks.append("It was made before blocks were chosen: each shows its fallback.")
    if decided[3] != book.version:
        remarks.append(
            f"It was made with version {decided[3]} of the playbook; the page shows the content as it reads now."
        )
    return Seen("one person", asked["day"], reasons, person, tuple(remarks))


def _of_segment(connection: duckdb.DuckDBPyConnection, step: Step, asked: Mapping[str, Any], segment: str) -> Seen:
    shown = connection.execute(SHOWN, {**asked, "segment": segment}).fetchall()
    whom = f"members of {segment}"
    if not shown:
        reasons = {block.block: Reason(each.variant, f"segment {segment}") for block in step.blocks for each in block.variants[::-1]
                   if each.when.segment == segment and each.when.model is None}  # fmt: skip
        remark = "No member got as far as this email that day: a block shows what asks for this segment alone, else its fallback."
        return Seen(whom, asked["day"], reasons, {}, (remark,))
    choices, count = shown[0]
    total = sum(each for _, each in shown)
    reasons = {
        block: Reason(variant, f"what {count} of {total} were to see") for block, variant in json.loads(choices).items()
    }
    remark = f"{total} members got as far as this email that day, with {len(shown)} different sets of blocks; this is the most common."
    return Seen(whom, asked["day"], reasons, {}, (remark, "Facts about a person show their fallbacks."))


def _mail(content: Content, flow: str, step: Step, title: str, seen: Seen, wished: Mapping[str, Reason]) -> Mail:
    reasons = {block.block: wished.get(block.block) or _reason(block, seen) for block in step.blocks}
    message = render_message(
        content,
        flow=flow,
        step=str(step.step),
        block_choices={block: reason.variant for block, reason in reasons.items()},
        person=seen.person,
        links=links_of(content, NOBODY),
    )
    choices = [Choice(block.block, block.stands_as, *reasons[block.block]) for block in step.blocks]
    return Mail(title, message.subject, message.preheader, message.html, message.text, choices)


def _reason(block: Block, seen: Seen) -> Reason:
    chosen = seen.reasons.get(block.block)
    if chosen is not None and chosen.variant in block.shown:
        return chosen
    if not block.variants:
        return Reason(block.fallback, "always")
    return Reason(block.fallback, "fallback")
