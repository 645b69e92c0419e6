"""All questions of the scoreboard, asked of one warehouse for one day."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from simulator.scoreboard.faults import FaultScore, score_faults, show_faults
from simulator.scoreboard.holdout import Holdout
from simulator.scoreboard.identity import IdentityScore, score_identity, show_identity
from simulator.scoreboard.lift import LiftScore, score_lift, show_lift
from simulator.scoreboard.machines import MachineScore, score_machines, show_machines
from simulator.scoreboard.mail import gather_mail
from simulator.scoreboard.models import ModelScore, score_models, show_models
from simulator.scoreboard.planted import open_truth
from simulator.scoreboard.policy import PolicyScore, score_policy, show_policy
from simulator.scoreboard.sections import Line, Section
from simulator.scoreboard.sends import SendScore, score_sends, show_sends


@dataclass(frozen=True)
class Scoreboard:
    """Every answer."""

    scenario: str
    as_of: date
    identity: IdentityScore
    sends: SendScore
    faults: FaultScore
    machines: MachineScore | None
    lift: tuple[LiftScore, ...]
    models: tuple[ModelScore, ...]
    policy: PolicyScore

    def sections(self) -> tuple[Section, ...]:
        """The answers to show, in the order of the platform's stages with what must not be in front."""
        return (
            show_sends(self.sends),
            show_identity(self.identity),
            show_faults(self.faults),
            show_machines(self.machines),
            show_models(self.models),
            show_policy(self.policy),
            show_lift(self.lift),
        )

    def broken(self) -> tuple[Line, ...]:
        """The numbers that must be 0 and are not."""
        return tuple(line for section in self.sections() for line in section.lines if line.is_broken)


def score(connection: duckdb.DuckDBPyConnection, truth: Path, day: date, *, salt: str, holdout: Holdout) -> Scoreboard:
    """Compare a warehouse with the truth as of one partition.

    Args:
        connection: The warehouse; only temporary tables are written.
        truth: Folder of the planted truth.
        day: The partition; its decisions must be there.
        salt: Of the platform's mailbox hashes.
        holdout: The global holdout in force on the day.

    Raises:
        TruthUnreadable: The folder is no truth.
    """
    planted = open_truth(connection, truth, salt=salt)
    gather_mail(connection, day)
    return Scoreboard(
        scenario=planted.scenario,
        as_of=day,
        identity=score_identity(connection, day),
        sends=score_sends(connection, day, holdout=holdout),
        faults=score_faults(connection, day),
        machines=score_machines(connection, day),
        lift=score_lift(connection, day),
        models=score_models(connection, planted, day),
        policy=score_policy(connection, planted, day),
    )
