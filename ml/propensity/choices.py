"""How often the option that ranks first is the one that a customer chose."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ml.propensity.frames import Examples, Floats, Ints
from ml.propensity.ranking import resample_customers

POPULARITY = "popularity_share"


@dataclass(frozen=True)
class HitRate:
    """Share of customers whose first-ranked option was chosen, with its 95 % bootstrap interval, drawing customers."""

    value: float
    low: float
    high: float


def measure_hit_rates(examples: Examples, ranks: Mapping[str, Floats], *, seed: int) -> Mapping[str, HitRate]:
    """Measure rankings of options, and beside them that by popularity, which looks at nobody.

    Args:
        examples: One row per customer and option of one cut-off, with the feature popularity_share.
        ranks: By the name of the ranking, higher for likelier; one number per row.
        seed: Of the bootstrap.
    """
    popularity = examples.features[POPULARITY].to_numpy()
    return {
        name: _hit_rate(_hits(examples, values, popularity), seed=seed)
        for name, values in {**ranks, "popularity": popularity}.items()
    }


def _hits(examples: Examples, ranks: Floats, popularity: Floats) -> Ints:
    """0 or 1 per customer; of equal ranks, the more popular option comes first."""
    order = np.lexsort((-popularity, -ranks, examples.customers))
    _, first = np.unique(examples.customers[order], return_index=True)
    return examples.outcome[order][first]


def _hit_rate(hits: Ints, *, seed: int) -> HitRate:
    drawn = [
        float(np.average(hits, weights=weights)) for weights in resample_customers(np.arange(len(hits)), seed=seed)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return HitRate(float(hits.mean()), float(low), float(high))
