"""What really happened, in Parquet, for whoever asked: the platform never reads it."""

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simulator.browsing import Sessions
from simulator.emails import Responses
from simulator.instants import DAY
from simulator.landing import Fault
from simulator.people import People
from simulator.selves import NONE, Selves
from simulator.win_back import CONTROL, EXPERIMENT, TREATMENT, WinBack

INSTANT = pa.timestamp("ms")
SCHEMAS = {
    "people": pa.schema(
        [
            ("person", pa.int64()), ("joined_at", INSTANT), ("is_existing", pa.bool_()), ("purchase_rate", pa.float64()),
            ("dropout_rate", pa.float64()), ("alive_until", INSTANT), ("price_level", pa.float64()), ("open_rate", pa.float64()),
            ("has_consented", pa.bool_()), ("is_guest", pa.bool_()), ("has_subscription", pa.bool_()), ("mailbox_kind", pa.string()),
            ("uses_kiosk", pa.bool_()),
        ]
    ),
    "profiles": pa.schema([("profile_key", pa.string()), ("person", pa.int64())]),
    "faults": pa.schema([("kind", pa.string()), ("file", pa.string()), ("row", pa.int64()), ("record", pa.string()),
        ("expected", pa.string())]),
    "machine_events": pa.schema([("sg_event_id", pa.string()), ("kind", pa.string())]),
    "experiments": pa.schema(
        [
            ("experiment", pa.string()), ("person", pa.int64()), ("email", pa.string()), ("arm", pa.string()), ("assigned_on", pa.date32()),
            ("effect", pa.float64()), ("buys_if_treated", pa.bool_()), ("buys_if_control", pa.bool_()),
        ]
    ),
}  # fmt: skip


class TruthWriter:
    """Writes the truth of block after block, one Parquet file per table.

    `profiles.profile_key` has the platform's forms, except that a mailbox stands in clear (`mailbox:<address>`, lower case): the
    truth does not know the salt. A shared mailbox or device has one row per person. `faults.row` counts records from 1, the
    header of a CSV not among them; 0 is the whole file.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._writers = {name: pq.ParquetWriter(folder / f"{name}.parquet", schema) for name, schema in SCHEMAS.items()}

    def __enter__(self) -> Self:
        """Hand out the writer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all files."""
        for writer in self._writers.values():
            writer.close()

    def write(self, told: "Told") -> None:
        """Append what was told of some blocks."""
        for name, table in told.tables:
            self._writers[name].write_table(table)


class Told:
    """The truth of some blocks as tables, which pass from one process to another."""

    def __init__(self) -> None:
        self.tables: list[tuple[str, pa.Table]] = []

    def append(self, name: str, columns: Iterable[Any]) -> None:
        """Append columns, in the order of the schema of the table `name`."""
        schema = SCHEMAS[name]
        arrays = [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)]
        self.tables.append((name, pa.Table.from_arrays(arrays, schema=schema)))

    def append_people(self, people: People, selves: Selves, start: int) -> None:
        """The parameters that a model may be held against."""
        alive_until = (start + np.minimum(people.alive_until, 36_500.0) * DAY).astype(np.int64)
        self.append(
            "people",
            (
                people.number, people.joined_at, people.is_existing, people.purchase_rate, people.dropout_rate, alive_until,
                people.price_level, people.open_rate, people.has_consented, people.is_guest, people.has_subscription,
                selves.mailbox_kind, selves.uses_kiosk,
            ),
        )  # fmt: skip

    def append_profiles(self, people: People, selves: Selves, sessions: Sessions) -> None:
        """Every key under which a person may be met; those of visits only where a visit was made."""
        number = people.number.tolist()
        pairs: set[tuple[str, int]] = set()
        for account in (selves.account_id, selves.second_account_id):
            known = [(key, person) for key, person in zip(account.tolist(), number, strict=True) if key != NONE]
            pairs.update((f"shopify:{key}", person) for key, person in known)
            pairs.update((f"segment:user:{key}", person) for key, person in known)
        for address in (selves.mailbox, selves.second_mailbox):
            pairs.update(
                (f"mailbox:{key}", person) for key, person in zip(address.tolist(), number, strict=True) if key
            )
        visitors = people.number[sessions.person].tolist()
        pairs.update(
            (f"segment:anon:{key}", person) for key, person in zip(sessions.device.tolist(), visitors, strict=True)
        )
        rows = sorted(pairs, key=lambda pair: (pair[1], pair[0]))
        self.append("profiles", ([key for key, _ in rows], [person for _, person in rows]))

    def append_faults(self, faults: list[Fault]) -> None:
        """The planted faults of one object."""
        self.append("faults", ([fault[column] for fault in faults] for column in range(len(Fault._fields))))

    def append_machine_events(self, responses: Responses, event_ids: list[str]) -> None:
        """Opens and clicks that no person made; the ESP flags the opens, nobody flags the scanners."""
        rows = np.flatnonzero(responses.is_machine)
        kinds = np.where(responses.is_machine_open[rows], "machine_open", "scanner_click")
        self.append("machine_events", ([event_ids[row] for row in rows.tolist()], kinds.tolist()))

    def append_experiment(self, people: People, selves: Selves, experiment: WinBack, start: int) -> None:
        """Arm, effect and both outcomes of each assigned person."""
        size = len(experiment.person)
        self.append(
            "experiments",
            (
                [EXPERIMENT] * size, people.number[experiment.person], selves.mailbox[experiment.person],
                np.where(experiment.is_treated, TREATMENT, CONTROL).tolist(), (start // DAY + experiment.assigned_on).astype(np.int32),
                experiment.effect, experiment.buys_if_treated, experiment.buys_if_control,
            ),
        )  # fmt: skip
