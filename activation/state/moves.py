"""Who entered and left which segment: a fact about what we decided, kept in the state as one Parquet file for each day.

A day's file is replaced when the day is moved again, and is there also where nobody moved: its name says that the day was moved.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

FOLDER = "segment_moves"
SCHEMA = pa.schema(
    [
        ("segment", pa.string()),
        ("root_profile_key", pa.string()),
        ("customer_id", pa.string()),
        ("moved_on", pa.date32()),
        ("kind", pa.string()),
        ("reason", pa.string()),
    ]
)
PERSONAL = ("root_profile_key", "customer_id")
COLUMNS = {name: "date" if name == "moved_on" else "varchar" for name in SCHEMA.names}
CREATE = (
    f"create or replace temp table membership_moves ({', '.join(f'{name} {kind}' for name, kind in COLUMNS.items())})"
)


def moved_days(state: Path) -> list[date]:
    """The days whose moves are recorded, oldest first."""
    return sorted(date.fromisoformat(path.stem) for path in (state / FOLDER).glob("*.parquet"))


def moves_relation(state: Path) -> str:
    """All recorded moves as a query, with no row where no day was moved yet."""
    if not moved_days(state):
        columns = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in COLUMNS.items())
        return f"select {columns} where false"
    pattern = str(state / FOLDER / "*.parquet").replace("'", "''")
    return f"from read_parquet('{pattern}')"


def read_moves(connection: duckdb.DuckDBPyConnection, state: Path, *, before: date) -> None:
    """Fill the temporary table `membership_moves` with what was recorded of the days before a day."""
    connection.execute(CREATE)
    if files := [str(_file(state, day)) for day in moved_days(state) if day < before]:
        connection.execute(
            f"insert into membership_moves select {', '.join(SCHEMA.names)} from read_parquet($files)", {"files": files}
        )


def write_moves(state: Path, day: date, moves: pa.Table) -> None:
    """Record the moves of a day in place of those that were recorded of it before; a reader sees the old or the new file."""
    target = _file(state, day)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".parquet.tmp")
    pq.write_table(moves.cast(SCHEMA), temporary)
    temporary.replace(target)


def forget_moves(
    state: Path, is_erased: Callable[[str], bool], hashed: Callable[[str], str], *, dry_run: bool = False
) -> int:
    """Turn the ids of erased people into salted hashes; the moves stay, of nobody.

    Args:
        state: Folder of the state.
        is_erased: Whether a profile is of an erased person.
        hashed: The salted hash of an id.
        dry_run: Count only.

    Returns:
        Moves of erased people.
    """
    count = 0
    for day in moved_days(state):
        moves = pq.read_table(_file(state, day))
        erased = [key for key in pc.unique(moves["root_profile_key"]).to_pylist() if is_erased(key)]
        theirs = pc.is_in(moves["root_profile_key"], value_set=pa.array(erased, pa.string()))
        if erased and not dry_run:
            for column in PERSONAL:
                values = zip(moves[column].to_pylist(), theirs.to_pylist(), strict=True)
                kept = pa.array([hashed(value) if found else value for value, found in values], pa.string())
                moves = moves.set_column(moves.schema.get_field_index(column), column, kept)
            write_moves(state, day, moves)
        count += pc.sum(theirs).as_py() or 0
    return count


def _file(state: Path, day: date) -> Path:
    return state / FOLDER / f"{day.isoformat()}.parquet"
