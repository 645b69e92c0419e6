"""Handing a claimed partition to the relay of HOLDFAST_SMTP_URL, one pass at a time."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from activation.emails.compose import compose
from activation.playbook.destinations import Destination, Smtp
from activation.release.attempts import statuses
from activation.release.claims import batch_of
from activation.release.deliver import Backlog, Clock, Delivery, backlog, deliver
from activation.release.relay import Link, Relay
from activation.release.release import publish_delivered
from activation.state.store import StateStore
from orchestration.letters import Letters, sender_of
from orchestration.playbooks import playbook_of
from orchestration.resources import Settings, UserError, open_state


class DeliveryStopped(Exception):
    """Sending ended before its time; the message is one line, and what was not handed over waits."""


def utc_now() -> datetime:
    """Now, in UTC and naive, as the state store keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


CLOCK = Clock(utc_now, time.sleep)


def destination_of(settings: Settings, day: date, said: str) -> Destination:
    """Where a partition goes: where somebody says, else where it was claimed for, else where its playbook says.

    Raises:
        UserError: If it was claimed for another place, or goes to a relay and none is set, or its playbook has nothing to render.
    """
    store = open_state(settings)
    batch = batch_of(store, day)
    claimed_for = batch.destination if batch is not None and not batch.is_empty else None
    if said and claimed_for and said != claimed_for:
        message = (
            f"the send list of {day} was released to {claimed_for}, which is where it stays: say --to {claimed_for}"
        )
        raise UserError(message)
    going: Destination = said or claimed_for or playbook_of(store, day).policies.destinations.default  # type: ignore[assignment]
    if going == "smtp":
        relay_of(settings)
        sender_of(store, day)
    return going


def relay_of(settings: Settings) -> Relay:
    """The relay.

    Raises:
        UserError: If none is set.
    """
    if settings.smtp is None:
        message = "HOLDFAST_SMTP_URL is not set: export HOLDFAST_SMTP_URL=smtp://user:password@host:587"
        raise UserError(message)
    return settings.smtp


def hand_over(
    settings: Settings,
    store: StateStore,
    letters: Letters,
    smtp: Smtp,
    *,
    day: date,
    rechecked_at: datetime,
    run_id: str,
    allow_past: bool,
    tell: Callable[[Delivery], None],
) -> Delivery:
    """One pass, until the recheck is too old; then shows what the relay has of the partition.

    Raises:
        DeliveryStopped: If the relay refuses us or cannot be reached, or if emails could not be written.
    """
    relay, sender = relay_of(settings), letters.sender
    done = deliver(
        store,
        as_of=day,
        write=lambda row, at: compose(
            row,
            letters.render(row),
            sender=sender,
            feedback_sender=smtp.feedback_sender,
            sent_at=at,
            for_sendgrid=smtp.sendgrid_arguments,
        ),
        sender=smtp.envelope_from or sender.email,
        connect=lambda: Link.connect(relay),
        smtp=smtp,
        clock=CLOCK,
        until=rechecked_at + timedelta(minutes=smtp.recheck_minutes),
        run_id=run_id,
        allow_past=allow_past,
        tell=tell,
    )
    batch = batch_of(store, day)
    if batch is not None:
        publish_delivered(store, batch, settings.publish)
    store.mirror()
    if done.stopped:
        message = (
            f"{done.stopped}; {done.accepted} were accepted before, and what was not handed over waits: release again"
        )
        raise DeliveryStopped(message)
    if done.unwritten:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(done.unwritten.items()))
        message = (
            f"{done.unwritten.total()} emails could not be written and wait ({kinds}); {done.accepted} were accepted"
        )
        raise DeliveryStopped(message)
    return done


def backlog_of(settings: Settings, day: date, *, allow_past: bool) -> Backlog:
    """What is left of a partition to hand over."""
    return backlog(open_state(settings), day, now=utc_now(), allow_past=allow_past)


def tell_delivery(settings: Settings, day: date, *, allow_past: bool) -> list[str]:
    """Where a partition that went to a relay stands, in words."""
    stands = statuses(open_state(settings), day)
    left = backlog_of(settings, day, allow_past=allow_past)
    lines = [f"accepted by the relay  {stands.get('published', 0)}"]
    if settled := stands.get("settled", 0):
        lines.append(f"refused or withdrawn   {settled}")
    if doubt := stands.get("in_doubt", 0):
        lines.append(
            f"in doubt               {doubt}: `holdfast reconcile --date {day}` when the ESP's events have landed"
        )
    if left.ready:
        lines.append(f"waiting                {left.ready}: say the same again to go on")
    if left.later and left.opens_at:
        lines.append(
            f"in quiet hours         {left.later} until {left.opens_at:%Y-%m-%d %H:%M} UTC: say the same again then"
        )
    if left.missed:
        lines.append(f"hours are over         {left.missed}: --allow-past sends them in the same hours of a later day")
    return lines
