"""The same arguments write the same bytes, and a block does not know how many follow it."""

import hashlib
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from simulator.people import BLOCK_SIZE
from simulator.shop import Form, simulate
from simulator.world import World

WORLD = World(redelivered_file_share=0.3, cut_file_share=0.3)


def digests(folder: Path) -> dict[str, str]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def test_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        simulate(customers=300, days=60, seed=5, out=tmp_path / name / "landing", truth=tmp_path / name / "truth")
    one, two = (digests(tmp_path / name / "landing") for name in ("one", "two"))
    assert one == two
    assert len(one) > 300


@pytest.mark.parametrize("form", ["systems", "columns"])
def test_batches_and_workers_change_no_row(tmp_path: Path, form: Form) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for out, batch, workers in ((one, 1, 2), (two, 2, 1)):
        simulate(
            customers=BLOCK_SIZE + 50, days=3, seed=5, out=out / "landing", truth=out / "truth", world=WORLD, form=form,
            batch=batch, workers=workers,
        )  # fmt: skip
    assert rows_by_day(one / "landing") == rows_by_day(two / "landing")
    assert sum(len(rows) for rows in rows_by_day(one / "landing").values()) > 10_000
    for name in ("people", "profiles", "machine_events"):
        assert pq.read_table(one / f"truth/{name}.parquet").equals(pq.read_table(two / f"truth/{name}.parquet"))


@pytest.mark.parametrize("form", ["systems", "columns"])
def test_landing_day_after_day_writes_the_same_bytes(tmp_path: Path, form: Form) -> None:
    for name, spans in (("once", [range(12)]), ("daily", [range(7), *(range(day, day + 1) for day in range(7, 12))])):
        for span in spans:
            simulate(customers=150, days=12, seed=5, out=tmp_path / name, truth=None, world=WORLD, form=form, only=span)
    assert digests(tmp_path / "once") == digests(tmp_path / "daily")


def rows_by_day(landing: Path) -> dict[str, list[object]]:
    """The rows of each object and day, in the order in which one reads its files by name."""
    found: dict[str, list[object]] = {}
    for path in sorted(landing.glob("*/*/*/*")):
        rows = found.setdefault(path.parent.relative_to(landing).as_posix(), [])
        if path.suffix == ".parquet" and "-cut-" not in path.name:
            table = pq.read_table(path)
            rows += zip(*(column.to_pylist() for column in table.columns), strict=True)
        elif path.suffix in {".jsonl", ".csv"}:
            rows += path.read_text().splitlines()[path.suffix == ".csv" :]
        elif path.suffix == ".json":
            rows += (line.removesuffix(",") for line in path.read_text().split("\n")[1:-2] if line)
    return found


def test_another_seed_writes_other_bytes(tmp_path: Path) -> None:
    for seed in (5, 6):
        simulate(customers=100, days=20, seed=seed, out=tmp_path / str(seed), truth=None)
    five, six = digests(tmp_path / "5"), digests(tmp_path / "6")
    orders = "shopify/orders/landed_on=2025-01-10/orders-00000.jsonl"
    assert five[orders] != six[orders]


def test_first_block_is_the_same_in_a_larger_shop(tmp_path: Path) -> None:
    for customers in (BLOCK_SIZE, BLOCK_SIZE + 7):
        simulate(customers=customers, days=3, seed=5, out=tmp_path / str(customers), truth=None)
    alone, larger = digests(tmp_path / str(BLOCK_SIZE)), digests(tmp_path / str(BLOCK_SIZE + 7))
    # Stock is the whole shop's.
    of_block = [path for path in alone if not path.startswith("shopify/products")]
    assert of_block
    assert all(path.partition("-000")[2] for path in of_block)
    assert {path: alone[path] for path in of_block} == {path: larger[path] for path in of_block}
    assert any(path.endswith("-00001.jsonl") for path in larger)


def test_truth_is_written_only_when_asked_for(tmp_path: Path) -> None:
    simulate(customers=20, days=3, seed=5, out=tmp_path / "landing", truth=None)
    assert [path.name for path in tmp_path.iterdir()] == ["landing"]
    assert not list(tmp_path.rglob("*.parquet"))


def test_truth_inside_the_landing_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="outside"):
        simulate(customers=20, days=3, seed=5, out=tmp_path, truth=tmp_path / "truth")


@pytest.mark.parametrize(("customers", "days", "seed"), [(0, 3, 1), (3, 0, 1), (3, 3, -1)])
def test_impossible_sizes_are_refused(tmp_path: Path, customers: int, days: int, seed: int) -> None:
    with pytest.raises(ValueError, match="must"):
        simulate(customers=customers, days=days, seed=seed, out=tmp_path, truth=None)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("customers", "days"), [(1, 1), (1, 40), (25, 2)])
def test_tiny_shops_land(tmp_path: Path, customers: int, days: int) -> None:
    summary = simulate(customers=customers, days=days, seed=5, out=tmp_path / "landing", truth=tmp_path / "truth")
    # A day's export of the 36 products may come again.
    again = dict(summary.rows_by_object)["shopify/products"] / 36 - days
    assert again in range(days)
    assert (tmp_path / "truth" / "people.parquet").exists()


def test_progress_ends_when_all_days_are_done(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    simulate(
        customers=20, days=9, seed=5, out=tmp_path, truth=None, on_day=lambda done, days: told.append((done, days))
    )
    assert told == sorted(told)
    assert told[-1] == (9, 9)
