"""What was planted in the files, what the platform made of it, and what it refused that nobody planted."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

import duckdb

from simulator.scoreboard.sections import Bar, Chart, Line, Section

BASE_TABLES = """
select table_name from information_schema.tables
where table_schema = 'staging' and starts_with(table_name, 'base_') order by table_name
"""

# One verdict per row and per file: `found` is a row's status, or refused for a file; rule says why.
VERDICTS = """
create or replace temp table fault_verdicts as
{rows}
select file, row_number as row, 'quarantined' as found, rule from ops.landing_rejects
where landed_on <= $day and row_number is not null
union all
select file, 0 as row, 'refused' as found, any_value(rule) as rule from ops.landing_rejects
where landed_on <= $day and row_number is null
group by file
"""
ROWS = """
select file, row_number as row, row_status as found, coalesce(rule, '') as rule from staging.{table} where landed_on <= $day
union all
"""

# Of a file of a quiet day, which has no rows, nothing can be expected.
LANDED = """
create or replace temp table fault_planted as
with quiet_files as (
    select distinct file from ops.landing_files where row_count = 0 and status = 'readable'
)
select kind, file, row, expected
from truth_faults
anti join quiet_files using (file)
where try_cast(regexp_extract(file, 'landed_on=([0-9-]+)', 1) as date) <= $day
"""

# A fault of a whole file is known by its rows, unless the file was refused: by what most of them became.
FATES = """
create or replace temp table fault_fates as
with files as (
    select verdicts.file, mode(verdicts.found) as found, mode(verdicts.rule) as rule
    from fault_verdicts as verdicts
    inner join (select distinct file from fault_planted where row = 0) as planted on verdicts.file = planted.file
    where verdicts.row > 0
    group by verdicts.file
)
select
    planted.kind, planted.file, planted.row, planted.expected,
    coalesce(verdicts.found, files.found, 'lost') as found,
    coalesce(verdicts.rule, files.rule, '') as rule
from fault_planted as planted
left join fault_verdicts as verdicts on planted.file = verdicts.file and planted.row = verdicts.row
left join files on planted.row = 0 and planted.file = files.file
"""

BY_KIND = """
select kind, expected, found, rule, count(*) as faults
from fault_fates group by kind, expected, found, rule order by kind, expected, faults desc, found, rule
"""

# An older version of a record that lands with a newer one is no fault; rows of a file that was planted as a whole share its expectation.
INVENTED = """
select split_part(verdicts.file, '/landed_on=', 1) as source, verdicts.found, verdicts.rule, count(*) as rows
from fault_verdicts as verdicts
anti join fault_planted as planted
    on verdicts.file = planted.file and planted.row in (0, verdicts.row) and planted.expected = verdicts.found
where verdicts.found in ('quarantined', 'refused') or (verdicts.found = 'duplicate' and verdicts.rule = 'known_key')
group by source, verdicts.found, verdicts.rule
order by rows desc, source, verdicts.rule
"""

# What the rules that caught a kind took besides: their precision is the kind's.
BESIDES = """
with catching as (
    select distinct kind, split_part(file, '/landed_on=', 1) as source, found, rule
    from fault_fates where found = expected and found <> 'staged'
)
select catching.kind, coalesce(sum(invented.rows), 0) as rows
from catching
inner join invented_faults as invented using (source, found, rule)
group by catching.kind
"""


@dataclass(frozen=True)
class Fate:
    """What became of some faults of one kind."""

    found: str
    rule: str
    faults: int


@dataclass(frozen=True)
class FaultKind:
    """One kind of fault.

    Attributes:
        expected: What should become of it: staged, duplicate, quarantined or refused.
        planted: Faults in files that had landed.
        caught: Those of which that came true.
        besides: Rows that nobody planted and that the same rules took in the same sources; None for what is to be staged.
        fates: All that became of them, most frequent first.
    """

    kind: str
    expected: str
    planted: int
    caught: int
    besides: int | None
    fates: tuple[Fate, ...]

    @property
    def recall(self) -> float:
        """Share of the planted ones that became what they should."""
        return self.caught / self.planted

    @property
    def precision(self) -> float | None:
        """Share of planted ones among all that the catching rules took; None where there is no such rule."""
        if self.besides is None or not self.caught:
            return None
        return self.caught / (self.caught + self.besides)


@dataclass(frozen=True)
class Invented:
    """Rows of one source that one rule took though nobody planted a fault there."""

    source: str
    found: str
    rule: str
    rows: int


@dataclass(frozen=True)
class FaultScore:
    """Planted faults by kind, and those that were invented."""

    kinds: tuple[FaultKind, ...]
    invented: tuple[Invented, ...]


def score_faults(connection: duckdb.DuckDBPyConnection, day: date) -> FaultScore:
    """Look up every planted fault, by file and row, among staged, duplicate and quarantined rows and refused files."""
    tables = [row[0] for row in connection.execute(BASE_TABLES).fetchall()]
    rows = "".join(ROWS.format(table=table) for table in tables)
    connection.execute(VERDICTS.format(rows=rows), {"day": day})
    connection.execute(LANDED, {"day": day})
    connection.execute(FATES)
    connection.execute(f"create or replace temp table invented_faults as {INVENTED}")
    besides = dict(connection.execute(BESIDES).fetchall())
    fates: dict[tuple[str, str], list[Fate]] = defaultdict(list)
    for kind, expected, found, rule, faults in connection.execute(BY_KIND).fetchall():
        fates[kind, expected].append(Fate(found, rule, faults))
    kinds = tuple(
        FaultKind(
            kind=kind,
            expected=expected,
            planted=sum(fate.faults for fate in became),
            caught=sum(fate.faults for fate in became if fate.found == expected),
            besides=None if expected == "staged" else int(besides.get(kind, 0)),
            fates=tuple(became),
        )
        for (kind, expected), became in fates.items()
    )
    invented = tuple(Invented(*row) for row in connection.execute("from invented_faults").fetchall())
    return FaultScore(kinds, invented)


def show_faults(score: FaultScore) -> Section:
    """The section about planted faults."""
    lines = [
        Line(
            f"{kind.kind}: {kind.expected}", kind.caught, kind.planted,
            note=", ".join(
                f"{fate.faults} {fate.found}" + (f" ({fate.rule})" if fate.rule else "") for fate in kind.fates
            ) + ("" if kind.precision is None else f"; precision {kind.precision:.3f}"),
        )
        for kind in score.kinds
    ]  # fmt: skip
    lines += [
        Line(f"Invented: {row.found} in {row.source}", row.rows, 0, note=row.rule or "file") for row in score.invented
    ]
    if not lines:
        return Section("faults", "Planted faults", "None was planted, and none was found.", ())
    return Section(
        name="faults",
        title="Planted faults",
        lead="Each fault by file and row: what should become of it, and what did.",
        lines=tuple(lines),
        charts=(
            Chart(
                "Share that became what it should",
                "share",
                bars=tuple(Bar(kind.kind, kind.recall, 1.0, f"{kind.caught} of {kind.planted}") for kind in score.kinds),
            ),
        ),
    )  # fmt: skip
