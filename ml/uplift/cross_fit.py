"""Every person ranked by learners that never saw that person."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ml.uplift.doubly_robust import Outcomes, weigh_outcomes
from ml.uplift.examples import Examples, Floats, Ints
from ml.uplift.learners import LEARNERS, Learner

FOLDS = 5


@dataclass(frozen=True)
class CrossFitted:
    """Out-of-fold scores and outcomes, one per row.

    Attributes:
        scores: Of each learner; those of t_learner and dr_ridge are predicted effects.
        places: Of each learner: place in the fold from 0 (first to be treated) to 1, people of equal score in random order.
            Ranking within folds keeps the folds' different levels out: a fold whose rest has a high effect has a low one itself.
        outcomes: Doubly robust.
    """

    scores: Mapping[Learner, Floats]
    places: Mapping[Learner, Floats]
    outcomes: Outcomes


def cross_fit(examples: Examples, *, seed: int) -> CrossFitted:
    """Fit all learners on four fifths of the customers and score the fifth left out, five times."""
    folds = assign_folds(examples, seed=seed)
    scores: dict[Learner, Floats] = {name: np.zeros(len(examples)) for name in LEARNERS}
    places: dict[Learner, Floats] = {name: np.zeros(len(examples)) for name in LEARNERS}
    for fold in range(FOLDS):
        train = examples.take(np.flatnonzero(folds != fold))
        rows = np.flatnonzero(folds == fold)
        part = examples.features.iloc[rows]
        for name, fit in LEARNERS.items():
            scores[name][rows] = fit(train)(part)
            places[name][rows] = find_places(scores[name][rows], seed=seed)
    # What the response model expects of the treated, less the T-learner's difference, is what is expected of the held out.
    expected_treated = scores["response_model"]
    expected_held_out = expected_treated - scores["t_learner"]
    return CrossFitted(scores, places, weigh_outcomes(examples, expected_treated, expected_held_out))


def assign_folds(examples: Examples, *, seed: int) -> Ints:
    """Deal customers into folds, so that each has its part of every arm and outcome; all rows of a customer go together."""
    generator = np.random.default_rng(seed)
    customers, first = np.unique(examples.customers, return_index=True)
    kind = examples.treated[first] * 2 + examples.outcome[first].astype(np.int64)
    folds = np.zeros(int(customers.max()) + 1, dtype=np.int64)
    dealt = np.lexsort((generator.random(len(customers)), kind))
    folds[customers[dealt]] = np.arange(len(customers)) % FOLDS
    return folds[examples.customers]


def find_places(scores: Floats, *, seed: int) -> Floats:
    """Place of each row by falling score, strictly within 0 and 1; chance decides between equal scores."""
    chance = np.random.default_rng(seed).random(len(scores))
    places = np.empty(len(scores))
    places[np.lexsort((chance, -scores))] = (np.arange(len(scores)) + 0.5) / len(scores)
    return places
