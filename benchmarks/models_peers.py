"""One library's gradient boosting, trained and let score; a script of its own: PEER FOLDER THREADS.

It knows nothing of the project, so that any interpreter that has the library can run it; the settings are those of ml/propensity/ladder.py,
and tests hold them to that. Each step runs in a process of its own, which prints what it cost.
"""

import json
import multiprocessing
import os
import pickle
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SETTINGS = {
    "learning_rate": 0.06,
    "max_iter": 120,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 40,
    "l2_regularization": 1.0,
}
BATCH = 100_000  # people
SEED = 20_250_101


def unfitted(peer: str, threads: int) -> Any:
    """The same boosting in each library's words."""
    if peer == "scikit_learn":
        from sklearn.ensemble import HistGradientBoostingClassifier

        return HistGradientBoostingClassifier(**SETTINGS, early_stopping=False, random_state=SEED)
    from lightgbm import LGBMClassifier  # type: ignore[import-not-found,unused-ignore]

    return LGBMClassifier(
        learning_rate=SETTINGS["learning_rate"], n_estimators=SETTINGS["max_iter"], num_leaves=SETTINGS["max_leaf_nodes"],
        min_child_samples=SETTINGS["min_samples_leaf"], reg_lambda=SETTINGS["l2_regularization"], n_jobs=threads,
        random_state=SEED, verbose=-1,
    )  # fmt: skip


def train(peer: str, folder: Path, threads: int) -> None:
    """Fit on train.parquet and keep the model."""
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "train.parquet").drop_columns(["customer_id"])
    outcome = table["outcome"].to_numpy()
    model = unfitted(peer, threads).fit(table.drop_columns(["outcome"]).to_pandas(), outcome)
    (folder / f"{peer}.pickle").write_bytes(pickle.dumps(model))


def score(peer: str, folder: Path, _threads: int) -> None:
    """Score people.parquet batch by batch."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    model = pickle.loads((folder / f"{peer}.pickle").read_bytes())  # noqa: S301 - of the step before
    writer = None
    for batch in pq.ParquetFile(folder / "people.parquet").iter_batches(BATCH):
        table = pa.Table.from_batches([batch])
        features = table.drop_columns(["customer_id", "outcome"]).to_pandas()
        chances = pa.array(model.predict_proba(features)[:, 1])
        scored = pa.table({"customer_id": table["customer_id"], "score": chances, "outcome": table["outcome"]})
        writer = writer or pq.ParquetWriter(folder / f"{peer}.parquet", scored.schema)
        writer.write_table(scored)
    if writer:
        writer.close()


def measure(work: Callable[[str, Path, int], None], peer: str, folder: Path, threads: int) -> dict[str, float]:
    """Run a step in a new process, imports included, and tell what it took."""
    receiver, sender = multiprocessing.get_context("spawn").Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(work, peer, folder, threads, sender))
    process.start()
    sender.close()
    try:
        found: dict[str, float] = receiver.recv()
    finally:
        process.join()
    return found


def _run(work: Callable[[str, Path, int], None], peer: str, folder: Path, threads: int, sender: Any) -> None:
    started = time.perf_counter()
    work(peer, folder, threads)
    used = resource.getrusage(resource.RUSAGE_SELF)
    sender.send(
        {
            "seconds": time.perf_counter() - started,
            "processor_seconds": used.ru_utime + used.ru_stime,
            "peak_mib": used.ru_maxrss / 1024,
        }
    )
    sender.close()


def area(folder: Path, peer: str) -> float:
    """AUC of the scores, by ranks."""
    import numpy as np
    import pyarrow.parquet as pq

    table = pq.read_table(folder / f"{peer}.parquet")
    scores, outcome = table["score"].to_numpy(), table["outcome"].to_numpy()
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    yes = int(outcome.sum())
    return float((ranks[outcome == 1].sum() - yes * (yes + 1) / 2) / (yes * (len(outcome) - yes)))


def main() -> None:
    """Train, score, and print the costs as JSON."""
    peer, folder, threads = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    os.environ["OMP_NUM_THREADS"] = str(threads)
    costs: dict[str, Any] = {work.__name__: measure(work, peer, folder, threads) for work in (train, score)}
    print(json.dumps({**costs, "auc": area(folder, peer)}))


if __name__ == "__main__":
    main()
