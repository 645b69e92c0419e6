"""Identity from strings to map beside Splink; components beside others; a day's tick beside the first day; and how it grows."""

import argparse
import multiprocessing
import tempfile
from dataclasses import replace
from datetime import date
from math import log
from pathlib import Path

import duckdb
import yaml

from activation.playbook.identity import Identity
from benchmarks import identity_peers as peers
from benchmarks.cost import Cost, apart, measured
from benchmarks.identity_world import DAY, FOLLOWING, make_world
from orchestration.defs.identity.decisions import Decisions, Version
from orchestration.defs.identity.identity_map import solve_days

ROOT = Path(__file__).resolve().parents[1]
MEMORY_LIMIT = "2GB"  # of DuckDB, for all alike
SOLVERS: dict[str, peers.Solver] = {
    "scipy (here)": peers.by_scipy,
    "contraction in SQL (here)": peers.by_contraction,
    "Splink": peers.by_splink,
    "networkx": peers.by_networkx,
    "DuckDB using key": peers.by_using_key,
}


def main() -> None:
    """Print costs, ratios and the growth exponent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profiles", type=int, default=100_000, help="default: %(default)s")
    parser.add_argument(
        "--times", type=int, default=4, help="how much larger the second shop is; 1: none (default: %(default)s)"
    )
    parser.add_argument(
        "--patience", type=float, default=150, help="seconds before a solver is killed (default: %(default)s)"
    )
    parser.add_argument("--longest-chain", type=int, default=20_000, help="profiles; 0: none (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="where files go meanwhile (default: the system's)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        first = compare_stages(Path(folder), given.profiles, given.longest_chain, beside_splink=True)
        compare_solvers(Path(folder), given.patience)
    if given.times > 1:
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            second = compare_stages(
                Path(folder), given.profiles * given.times, given.longest_chain, beside_splink=False
            )
        exponent = log(second.processor_seconds / first.processor_seconds) / log(given.times)
        print(f"\ngrowth: processor ~ profiles^{exponent:.2f}")


def compare_stages(folder: Path, profiles: int, longest_chain: int, *, beside_splink: bool) -> Cost:
    """Measure a first day, the same links by Splink, and a second day; leaves folder/warehouse.duckdb solved."""
    warehouse = folder / "warehouse.duckdb"
    apart(make_world, warehouse, profiles, longest_chain)
    splink: Cost | None = apart(cluster_strings, warehouse) if beside_splink else None
    full: Cost = apart(solve, warehouse, DAY)
    tick: Cost = apart(solve, warehouse, FOLLOWING)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        counts = "select count(*) filter (first_landed_on = $day), count(*) filter (first_landed_on > $day) from identity.links"
        links, new = connection.execute(counts, {"day": DAY}).fetchall()[0]
    chains = f"chains of up to {longest_chain:,}" if longest_chain else "no chains"
    print(f"\n{profiles:,} profiles, {links:,} links, {chains}; the day after {new:,} ({new / links:.2%})")
    if splink:
        splink.say("Splink, strings to clusters")
    full.say("identity, strings to map", splink)
    tick.say("identity, the day after", full)
    return full


def compare_solvers(folder: Path, patience: float) -> None:
    """Measure each solver on the integer edges of the solved warehouse."""
    edges = folder / "edges.parquet"
    print(f"\ncomponents of {peers.write_edges(folder / 'warehouse.duckdb', edges):,} edges between integers")
    costs: dict[str, Cost] = {}
    for name in SOLVERS:
        try:
            costs[name] = apart(components, edges, name, patience=patience)
        except multiprocessing.TimeoutError:
            print(f"  {name:28} killed after {patience:.0f} s")
            continue
        costs[name].say(name, costs.get("scipy (here)"))
        if costs[name].found != costs["scipy (here)"].found:
            print(f"  {'':28} ANOTHER PARTITION: {costs[name].found[0]:,} components")


def solve(warehouse: Path, day: date) -> Cost:
    """Solve a day, as a run does, with the repository's identity.yml."""
    identity = Identity.model_validate(yaml.safe_load((ROOT / "playbook/identity.yml").read_text(encoding="utf-8")))
    decisions = Decisions((Version(date.min, identity),))
    with _open(str(warehouse), warehouse.parent) as connection:

        def work() -> tuple[int, int]:
            counts = solve_days(connection, decisions, start=day, end=day)
            return counts["profiles"], counts["reached"]

        return measured(work)


def cluster_strings(warehouse: Path) -> Cost:
    """Give the first day's links to Splink's clustering, hubs cut by the same limit; keys stay strings."""
    with _open(":memory:", warehouse.parent) as connection:
        connection.execute(f"attach '{warehouse}' as warehouse (read_only)")

        def work() -> tuple[int, int]:
            links = f"warehouse.intermediate.int_identifiers__linked where landed_on = date '{DAY}'"
            connection.execute(f"create table nodes as select distinct profile_key from {links}")
            identifier = "identifier_type || ':' || identifier_hash"
            connection.execute(
                f"create table edges as {peers.STARS.format(profile='profile_key', identifier=identifier, links=links)}"
            )
            peers.cluster(connection, node="profile_key", left="left_no", right="right_no")
            count = "select count(*), count(distinct cluster_id) from clustered"
            nodes, clusters = connection.execute(count).fetchall()[0]
            return int(nodes), int(clusters)

        return measured(work)


def components(edges: Path, name: str) -> Cost:
    """Solve the edges of a file; reading the file and comparing the result are not counted."""
    with _open(":memory:", edges.parent) as connection:
        connection.execute(f"create table edges as from '{edges}'")
        cost = measured(lambda: SOLVERS[name](connection))
        return replace(cost, found=peers.summary(connection))


def _open(database: str, spill: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(database, config={"memory_limit": MEMORY_LIMIT, "temp_directory": str(spill / "spill")})


if __name__ == "__main__":
    main()
