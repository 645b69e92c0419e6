"""What `holdfast reconcile` does: a run of the asset, a person's word for emails in doubt, and what is said at the end."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import dagster as dg

from activation.release.reconcile import in_doubt, settle
from orchestration.defs.schedules import RECONCILIATION_KEY
from orchestration.deliveries import utc_now
from orchestration.resources import Settings, UserError, open_state
from orchestration.runs import execute, request_for_reconciliation

BY_HAND = "by hand"


class Outcome(NamedTuple):
    """Lines to print, and whether nobody has to look at anything."""

    lines: list[str]
    is_fine: bool


def settle_by_hand(settings: Settings, day: date, *, sent: Sequence[str], not_sent: Sequence[str]) -> None:
    """Take a person's word for emails in doubt.

    Raises:
        UserError: If one is in doubt no email of the partition; then none is settled of its kind.
    """
    store = open_state(settings)
    if both := sorted(set(sent) & set(not_sent)):
        message = f"{both[0]} cannot be both sent and not sent"
        raise UserError(message)
    for decisions, was_sent in ((sent, True), (not_sent, False)):
        if unknown := settle(store, decisions, was_sent=was_sent, as_of=day, now=utc_now(), run_id=BY_HAND):
            message = f"{unknown[0]} is no email of {day} in doubt: `holdfast reconcile --date {day}` lists them"
            raise UserError(message)


def reconcile_day(settings: Settings, instance: dg.DagsterInstance, day: date) -> Outcome:
    """Run the asset and read what it found."""
    execute([request_for_reconciliation(day)], instance)
    event = instance.get_latest_materialization_event(RECONCILIATION_KEY)
    if event is None or event.asset_materialization is None:
        message = f"the run that reconciled {day} left no materialization"
        raise RuntimeError(message)
    found = event.asset_materialization.metadata
    table = str(found["table"].value).splitlines()[1:-1]
    doubts = [
        f"  in doubt: {decision} ({flow}); once you know: --sent {decision} or --not-sent {decision}"
        for decision, flow in in_doubt(open_state(settings), day)
    ]
    return Outcome([*table, *doubts], is_fine=not found["troubles"].value)
