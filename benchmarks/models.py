"""Training on 200,000 people and scoring a million through Arrow batches: the gradient boosting of the ladder beside LightGBM."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

SEED = 20_250_101
CHUNK = 100_000  # people, as orchestration scores them
COUNTS = 36  # features that are counts with many zeros, as most of customer_features are
PEERS = ("scikit_learn", "lightgbm")


def main() -> None:
    """Print what each costs, and how well it ranks people whom it has not seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000, help="people to train on (default: %(default)s)")
    parser.add_argument("--people", type=int, default=1_000_000, help="people to score (default: %(default)s)")
    parser.add_argument("--features", type=int, default=60, help="columns (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="of either library (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=1, help="runs of each, in turn (default: %(default)s)")
    parser.add_argument(
        "--peers-python", default=sys.executable, help="interpreter that has lightgbm (default: this one)"
    )
    parser.add_argument("--folder", type=Path, help="where files go meanwhile (default: the system's)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        make_people(folder, train=given.rows, people=given.people, features=given.features)
        print(
            f"{given.rows:,} x {given.features} to train on, {given.people:,} to score, {given.threads} threads",
            flush=True,
        )
        for peer in PEERS * given.repeats:
            _print(peer, given.peers_python if peer == "lightgbm" else sys.executable, folder, given.threads)


def make_people(folder: Path, *, train: int, people: int, features: int) -> None:
    """Write train.parquet and people.parquet: counts, amounts and ages with gaps, and an outcome that hangs on a dozen of them."""
    generator = np.random.default_rng(SEED)
    weights = generator.normal(0, 0.5, 12)
    for name, rows in (("train", train), ("people", people)):
        writer = None
        for start in range(0, rows, CHUNK):
            table = _draw(generator, weights, min(CHUNK, rows - start), features, first=start)
            writer = writer or parquet.ParquetWriter(folder / f"{name}.parquet", table.schema)
            writer.write_table(table)
        if writer:
            writer.close()


def _draw(generator: np.random.Generator, weights: np.ndarray, rows: int, features: int, *, first: int) -> pa.Table:
    activity = generator.gamma(0.8, 1.5, rows)
    columns: dict[str, np.ndarray] = {}
    for number in range(features):
        if number < COUNTS:
            columns[f"feature_{number:02}"] = generator.poisson(activity * (0.3 + number % 4)).astype(np.float64)
        else:
            values = generator.lognormal(3, 1, rows) * (1 + activity)
            columns[f"feature_{number:02}"] = np.where(generator.random(rows) < 0.3, np.nan, values)
    signs = np.arcsinh(
        np.nan_to_num(
            np.stack([columns[f"feature_{number:02}"] for number in range(0, features, max(1, features // 12))][:12])
        )
    )
    score = weights[: len(signs)] @ (signs - signs.mean(axis=1, keepdims=True)) + 0.6 * np.sin(2 * signs[0]) - 1.2
    outcome = generator.random(rows) < 1 / (1 + np.exp(-score))
    people = [f"c_{number:08}" for number in range(first, first + rows)]
    return pa.table({"customer_id": people, **columns, "outcome": outcome.astype(np.int8)})


def _print(peer: str, python: str, folder: Path, threads: int) -> None:
    script = Path(__file__).with_name("models_peers.py")
    run = subprocess.run(
        [python, str(script), peer, str(folder), str(threads)], capture_output=True, text=True, check=False
    )
    if run.returncode:
        print(f"  {peer:14} skipped: {run.stderr.strip().splitlines()[-1]}")
        return
    found = json.loads(run.stdout)
    for step in ("train", "score"):
        cost = found[step]
        print(
            f"  {peer:14} {step:6} wall {cost['seconds']:6.1f} s  processor {cost['processor_seconds']:6.1f} s"
            f"  peak {cost['peak_mib']:6.0f} MiB",
            flush=True,
        )
    print(f"  {peer:14} AUC of the people scored {found['auc']:.4f}")


if __name__ == "__main__":
    main()
