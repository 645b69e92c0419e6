"""What agreement is worth: a Fellegi-Sunter model that Splink trains without labels."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from splink import Linker, SettingsCreator
from splink.internals.exceptions import EMTrainingException

from ml.identity.block import Block
from ml.identity.compare import Trait, comparison

SAMPLED_PAIRS = 1.01e6  # random pairs for u
TRAINING_PAIRS = 1_000_000  # of one block; EM gains nothing from more
ITERATIONS = 100
SESSIONS = 3  # of EM for each trait
FEWEST_MATCHES = 10  # that a session must find for its m to count
LEAST_M, LEAST_U = 1e-3, 1e-6  # a level that training never saw is rare, not impossible


@dataclass(frozen=True)
class Model:
    """A trained model.

    Attributes:
        settings: For Splink.
        dropped: Traits that could not be trained.
        sessions: Blocks whose EM converged.
    """

    settings: dict[str, Any]
    dropped: tuple[str, ...]
    sessions: tuple[Block, ...]


@dataclass(frozen=True)
class Session:
    """What EM found in one block: the expected number of matches, and m of each (trait, level) that it saw."""

    block: Block
    matches: float
    m: dict[tuple[str, int], float]

    @property
    def traits(self) -> set[str]:
        """Those that it trained."""
        return {name for name, _ in self.m}


def train(profiles: Any, traits: tuple[Trait, ...], blocks: list[Block], *, count: int, seed: int) -> Model:
    """Estimate u from random pairs and m by EM within each block.

    Args:
        profiles: `candidates`, registered with the engine.
        traits: To compare.
        blocks: For training.
        count: Number of profiles.
        seed: Of the sample of random pairs.
    """
    names = frozenset(trait.name for trait in traits)
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[comparison(trait, names) for trait in traits],
        probability_two_random_records_match=1 / count,
        max_iterations=ITERATIONS,
        em_convergence=1e-2,  # finer gains nothing on the labelled sets, and lets an m underflow, at which Splink gives up
        retain_matching_columns=False,
    )
    linker = Linker(profiles, settings, log_level=None)
    linker.training.estimate_u_using_random_sampling(
        max_pairs=SAMPLED_PAIRS, seed=seed, min_count_per_level=None, num_chunks=1
    )
    sessions: list[Session] = []
    for block in blocks:
        done = Counter(name for session in sessions for name in session.traits)
        if any(done[name] < SESSIONS for name in names - set(block.columns)):
            sessions += _run_em(linker, block)
    return _model(linker.misc.save_model_to_json(), sessions)


def _run_em(linker: Linker, block: Block) -> list[Session]:
    """EM within one block; empty where it finds no matches or does not converge."""
    try:
        session = linker.training.estimate_parameters_using_expectation_maximisation(
            block.rule,
            estimate_without_term_frequencies=True,
            max_pairs=TRAINING_PAIRS if block.pairs > TRAINING_PAIRS else None,
        )
    except (EMTrainingException, ValueError):
        return []
    found = session.core_model_settings
    matches = found.probability_two_random_records_match * min(block.pairs, TRAINING_PAIRS)
    is_converged = len(session._core_model_settings_history) <= ITERATIONS  # noqa: SLF001
    if matches < FEWEST_MATCHES or not is_converged:
        return []
    levels = {
        (str(compared.output_column_name), level.comparison_vector_value): float(level.m_probability or 0)
        for compared in found.comparisons
        for level in compared.comparison_levels
        if not level.is_null_level
    }
    return [Session(block, matches, levels)]


def _model(settings: dict[str, Any], sessions: list[Session]) -> Model:
    kept, dropped = [], []
    for compared in settings["comparisons"]:
        name = compared["output_column_name"]
        told = [session for session in sessions if name in session.traits]
        levels = [level for level in compared["comparison_levels"] if not level.get("is_null_level")]
        matches = sum(session.matches for session in told)
        for place, level in enumerate(levels):
            value = len(levels) - 1 - place
            m = sum(session.m[name, value] * session.matches for session in told) / matches if told else 0.0
            level["m_probability"] = max(m, LEAST_M)
            u = level.get("u_probability")
            level["u_probability"] = max(u, LEAST_U) if u else (LEAST_M if m <= LEAST_M else LEAST_U)
        equal = levels[0]
        is_telling = (
            told
            and equal["m_probability"] > equal["u_probability"]
            and levels[-1]["m_probability"] < levels[-1]["u_probability"]
        )
        if is_telling:
            kept.append(compared)
        else:
            dropped.append(name)
    trained = {**settings, "comparisons": kept}
    return Model(trained, tuple(dropped), tuple(session.block for session in sessions))
