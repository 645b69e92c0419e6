"""Delivers a claimed day to a relay, in a process of its own that the relay kills."""

import os
import sys
from datetime import date, timedelta
from pathlib import Path

from activation.playbook.destinations import Smtp
from activation.release.deliver import deliver
from activation.release.relay import Relay
from activation.state.store import StateStore
from tests.unit.activation.relays import NOON, SENDER, Watch, connect, write


def main(home: Path, port: int, day: date) -> None:
    (home / "pid").write_text(str(os.getpid()))
    deliver(
        StateStore(home / "state"), as_of=day, write=write, sender=SENDER.email, smtp=Smtp(per_second=1e6), clock=Watch().clock,
        connect=connect(Relay("127.0.0.1", port, is_tls=False, user=None, password=None)), until=NOON + timedelta(hours=1),
        run_id=str(os.getpid()),
    )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), date.fromisoformat(sys.argv[3]))
