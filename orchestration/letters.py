"""What the people of a released list read, and who writes to them: the one place where a relay meets the playbook's content."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import duckdb

from activation.compose import Rendered, Row, Sender
from activation.playbook import Playbook
from orchestration.resources import UserError


@dataclass(frozen=True)
class Letters:
    """Emails of one partition."""

    sender: Sender
    render: Callable[[Row], Rendered]


def letters_of(connection: duckdb.DuckDBPyConnection, playbook: Playbook, as_of: date) -> Letters:
    """How the emails of a partition are rendered, by the playbook that decided it.

    Args:
        connection: The warehouse, for what is known of its people.
        playbook: The version in force on the day.
        as_of: The partition.

    Raises:
        UserError: If that version has no content that can be rendered.
    """
    del connection
    message = (
        f"playbook {playbook.version}, which decided {as_of}, has no emails that could be rendered: release to files"
    )
    raise UserError(message)
