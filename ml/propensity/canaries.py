"""Leakage canaries: what must know nothing, and what knows too much."""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from ml.propensity.frames import Examples, Floats, Ints
from ml.propensity.ladder import fit_rung
from ml.propensity.ranking import Ranking, standard_error_of_chance
from ml.propensity.task import Task

TOO_GOOD = 0.98  # AUC of a single feature; nothing that is known beforehand tells so much of people
SURPRISE = 3.29  # standard errors above chance: one training in two thousand by chance alone
FEWEST_KNOWN = 20  # rows of either class on which a feature has a value, before it can be suspected


@dataclass(frozen=True)
class Canaries:
    """What became of them.

    Attributes:
        random_feature_auc: Of a model that sees noise only, on the test slice.
        shuffled_label_auc: Of a model that learnt labels in random order, judged by labels in random order.
        chance_limit: What both must stay under.
        best_feature: The feature that alone ranks the test slice best, in either direction.
        best_feature_auc: Its AUC, at least .5.
        suspects: Features whose AUC is above .98.
    """

    random_feature_auc: float
    shuffled_label_auc: float
    chance_limit: float
    best_feature: str
    best_feature_auc: float
    suspects: tuple[str, ...]

    @property
    def alarm(self) -> str:
        """What is wrong, in words; empty if nothing is."""
        found = [
            f"{name} has an AUC of {auc:.3f}"
            for name, auc in (
                ("a model of noise", self.random_feature_auc),
                ("a model of shuffled labels", self.shuffled_label_auc),
            )
            if auc > self.chance_limit
        ]
        if self.suspects:
            found.append(f"too good to be known beforehand: {', '.join(self.suspects)}")
        return "; ".join(found)


def watch(task: Task, train: Examples, test: Examples, *, seed: int) -> Canaries:
    """Let the canaries into the slices that a model is trained and judged on."""
    generator = np.random.default_rng(seed)
    singles = {name: _single_auc(test.features[name].to_numpy(), test.outcome) for name in test.features.columns}
    best = max(singles, key=lambda name: singles[name])
    return Canaries(
        random_feature_auc=_auc_of_noise(train, test, generator),
        shuffled_label_auc=_auc_of_shuffled_labels(task, train, test, generator, seed=seed),
        chance_limit=0.5 + SURPRISE * standard_error_of_chance(test.outcome),
        best_feature=best,
        best_feature_auc=singles[best],
        suspects=tuple(name for name, auc in singles.items() if auc > TOO_GOOD),
    )


def _single_auc(column: Floats, outcome: Ints) -> float:
    """AUC of one feature, in whichever direction it ranks better, among the rows that have it; .5 where those are few."""
    known = ~np.isnan(column)
    positives = int(outcome[known].sum())
    if min(positives, int(known.sum()) - positives) < FEWEST_KNOWN:
        return 0.5
    auc = Ranking.of(outcome[known], column[known]).auc(np.ones(int(known.sum())))
    return max(auc, 1 - auc)


def _auc_of_noise(train: Examples, test: Examples, generator: np.random.Generator) -> float:
    model = LogisticRegression().fit(generator.normal(size=(len(train), 1)), train.outcome)
    chances = model.predict_proba(generator.normal(size=(len(test), 1)))[:, 1]
    return Ranking.of(test.outcome, chances).auc(np.ones(len(test)))


def _auc_of_shuffled_labels(
    task: Task, train: Examples, test: Examples, generator: np.random.Generator, *, seed: int
) -> float:
    shuffled = Examples(train.features, generator.permutation(train.outcome), train.customers, train.groups)
    estimator = fit_rung("logistic_regression", task, shuffled, seed=seed)
    outcome = generator.permutation(test.outcome)
    return Ranking.of(outcome, estimator.predict_proba(test.features)[:, 1]).auc(np.ones(len(test)))
