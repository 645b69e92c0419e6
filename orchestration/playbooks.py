"""Which version of the playbook a partition uses: the one of the repository is recorded, an earlier day keeps its own."""

from datetime import UTC, date, datetime

from activation.playbook.playbook import Playbook
from activation.state.store import StateStore
from orchestration.preflight import load_valid_playbook
from orchestration.resources import Settings, UserError


def register_playbook(store: StateStore, settings: Settings) -> Playbook:
    """Record the playbook of the repository if it changed; a changed one is in force from today's partition on.

    Raises:
        PlaybookError: One line per fault, with file and line.
    """
    playbook = load_valid_playbook()
    store.register_playbook(
        playbook, effective_from=settings.today(), registered_at=datetime.now(UTC).replace(tzinfo=None)
    )
    return playbook


def playbook_of(store: StateStore, day: date) -> Playbook:
    """The playbook that was in force on a day.

    Raises:
        UserError: If there was none.
    """
    playbook = store.playbook_in_force(day)
    if playbook is None:
        message = f"no playbook was in force on {day}: run `holdfast validate`"
        raise UserError(message)
    return playbook
