"""Doubly robust outcomes of each person in either arm, with assignment shares that are known by design."""

from dataclasses import dataclass

from ml.uplift.examples import Examples, Floats


@dataclass(frozen=True)
class Outcomes:
    """Augmented inverse-propensity weighted outcomes per row (Robins, Rotnitzky and Zhao, JASA 1994); their means are unbiased.

    Attributes:
        treated: Of the row if it were treated.
        held_out: If it were held out.
    """

    treated: Floats
    held_out: Floats

    @property
    def effect(self) -> Floats:
        """What the treatment changes."""
        return self.treated - self.held_out


def weigh_outcomes(examples: Examples, expected_treated: Floats, expected_held_out: Floats) -> Outcomes:
    """Correct expectations by what was seen, weighted by the share of the arm in which it was seen.

    Args:
        examples: With the known share; whatever the expectations, no bias comes from them.
        expected_treated: P(outcome | treated) per row, from a model that did not see the row.
        expected_held_out: The same of the held out.
    """
    is_treated, share = examples.treated, examples.share
    return Outcomes(
        treated=expected_treated + is_treated / share * (examples.outcome - expected_treated),
        held_out=expected_held_out + (1 - is_treated) / (1 - share) * (examples.outcome - expected_held_out),
    )
