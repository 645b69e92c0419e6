"""Uplift held to shops whose truth is known, and to the e-mail experiment of MineThatData on real customers."""

import argparse
import gzip
import os
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from benchmarks.uplift_world import campaign
from ml.uplift.cross_fit import find_places
from ml.uplift.examples import Examples, Floats, make_examples
from ml.uplift.learners import LEARNERS, Learner
from ml.uplift.qini import qini, uplift_at
from ml.uplift.report import TOP_SHARE, UpliftReport, report_uplift

ROOT = Path(__file__).resolve().parents[1]
BLOCKS = {"no_effect": 3, "one_negative_segment": 5}
PLANTED = "device_use: mobile"
HALVES = 10


@dataclass(frozen=True)
class HalfSplit:
    """Means over random halves: trained on one, measured on the other."""

    uplift_at_30: float
    deviation: float
    qini: float


def main() -> None:
    """Print what was found of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=40, help="shops of each scenario (default: 40)")
    parser.add_argument("--share", type=float, default=0.5, help="share of the treated (default: 0.5)")
    default = Path(os.environ.get("HOLDFAST_SHARED_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=default, help="folder of the real public data")
    parser.add_argument("--only", choices=[*BLOCKS, "hillstrom_womens"], help="one of them")
    given = parser.parse_args()
    with threadpool_limits(1):
        for scenario in BLOCKS:
            if given.only in {None, scenario}:
                _print_scenario(scenario, seeds=given.seeds, share=given.share)
        if given.only in {None, "hillstrom_womens"}:
            _print_hillstrom(read_hillstrom(given.data))


def read_hillstrom(data: Path) -> Examples:
    """The 42,693 customers who got the Womens e-mail or none; the outcome is a visit within two weeks."""
    with gzip.open(data / "hillstrom_womens" / "hillstrom_womens_vs_control.csv.gz") as lines:
        table = csv.read_csv(lines)
    # The file has no id; equal rows are different people.
    customers = pa.array([f"{row:06}" for row in range(len(table))])
    arms = pa.array(np.array(table["segment"].to_pylist()) == "Womens E-Mail")
    table = table.append_column("customer_id", customers).append_column("is_treated", arms)
    return make_examples(table, outcome="visit", share=0.5, keys=frozenset({"segment", "conversion", "spend"}))


def split_in_halves(examples: Examples, *, seeds: int = HALVES) -> Mapping[Learner, HalfSplit]:
    """Train each learner on a random half and measure it on the other, once a seed; nothing is chosen on the other half."""
    found: dict[Learner, list[tuple[float, float]]] = {name: [] for name in LEARNERS}
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(examples))
        train, test = examples.take(order[: len(order) // 2]), examples.take(order[len(order) // 2 :])
        for name, fit in LEARNERS.items():
            places = find_places(fit(train)(test.features), seed=seed)
            top = uplift_at(test, places, TOP_SHARE).uplift
            found[name].append((float("nan") if top is None else top, qini(_weighted(test), places)))
    means = {name: (np.mean(rows, axis=0), np.std(rows, axis=0)) for name, rows in found.items()}
    return {name: HalfSplit(float(mean[0]), float(spread[0]), float(mean[1])) for name, (mean, spread) in means.items()}


def _weighted(examples: Examples) -> Floats:
    """Effects by inverse-propensity weights alone, around the mean: what any implementation can compute."""
    weights = examples.treated / examples.share - (1 - examples.treated) / (1 - examples.share)
    effects: Floats = weights * (examples.outcome - examples.outcome.mean())
    return effects


def _print_scenario(scenario: str, *, seeds: int, share: float) -> None:
    reports: list[UpliftReport] = []
    truths: list[float] = []
    started = time.perf_counter()
    for seed in range(seeds):
        examples, effect = campaign(scenario, blocks=BLOCKS[scenario], seed=seed, share=share)
        reports.append(report_uplift(examples, seed=seed))
        truths.append(float(effect[(examples.segments["device_use"] == "mobile").to_numpy()].mean()))
        found = reports[-1]
        print(
            f"  {scenario} seed {seed}: {len(examples)} people, {found.verdict}, harmed {found.harmed}, "
            f"below the rest {found.below_the_rest}",
            flush=True,
        )
    verdicts = Counter(found.verdict for found in reports)
    silent = sum(found.verdict == "treat_all" and not found.harmed and not found.below_the_rest for found in reports)
    named = sum(PLANTED in found.harmed + found.below_the_rest for found in reports)
    others = sum(bool({*found.harmed, *found.below_the_rest} - {PLANTED}) for found in reports)
    print(f"{scenario}, {seeds} seeds, {share:.0%} treated, {(time.perf_counter() - started) / seeds:.0f} s a seed")
    print(f"  verdicts {dict(verdicts)}; treat all and no segment named: {silent} of {seeds}")
    print(f"  {PLANTED} named in {named} of {seeds}, as harmed in {sum(PLANTED in one.harmed for one in reports)}")
    print(
        f"  another segment named in {others}; planted effect on {PLANTED}: {np.mean(truths):+.4f} outcomes per person"
    )


def _print_hillstrom(examples: Examples) -> None:
    print(f"hillstrom_womens, visit, {len(examples)} people, half against half, mean of {HALVES} seeds")
    for name, half in split_in_halves(examples).items():
        top = f"uplift@30% {half.uplift_at_30:.4f} (deviation {half.deviation:.4f})"
        print(f"  {name:<16} {top}  Qini {1000 * half.qini:.2f} per 1,000")
    report = report_uplift(examples, seed=1)
    print(f"  all people, out of fold: {report.reason}")
    for name, found in report.learners.items():
        gain, over = found.qini, found.over_response_model
        print(
            f"  {name:<16} Qini {1000 * gain.value:.2f} [{1000 * gain.low:.2f}, {1000 * gain.high:.2f}]  over the response model "
            f"{1000 * over.value:+.2f} [{1000 * over.low:+.2f}, {1000 * over.high:+.2f}]"
        )
    for policy, value in report.policies.items():
        print(f"  {policy:<28} {value.value:.4f} [{value.low:.4f}, {value.high:.4f}] visits per person")


if __name__ == "__main__":
    main()
