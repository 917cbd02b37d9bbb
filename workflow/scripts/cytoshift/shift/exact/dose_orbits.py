"""If the dose had made no difference, how often would the doses as drawn have shown a trend as clear by chance?

Who got which dose was drawn by lot, so within a stratum every way to hand out the same doses was equally likely. Each
subject's score comes from a model that does not know the dose, and stays put while the doses move. Where the dose was
chosen by tolerance or response there was no lot, and this test has no basis.
"""

import numpy as np
from numpy.typing import ArrayLike

from cytoshift.shift.classical.linear_inputs import as_doses
from cytoshift.shift.exact.rearrangements import DRAWS_PER_BATCH, ExactTest, LinearOrbit, Rearrangements
from cytoshift.shift.exact.relabelling import label_orbit, label_relabellings, label_test

UNDEFINED_NOTE = "no stratum has scores that differ and subjects of several doses: no statistic, p-value 1"


def dose_relabellings(
    dose: ArrayLike,
    strata: np.ndarray | None = None,
    *,
    max_exact: int = 20_000,
    draws: int = 9_999,
    rng: np.random.Generator | None = None,
) -> Rearrangements:
    """The ways to hand each stratum's doses to its subjects: all of them when few, otherwise random ones.

    Args:
        dose: (subjects,) dose in mg, 0 for placebo.
        strata: (subjects,) stratum of the randomisation; None for a single one.
        max_exact: the largest number of ways that is listed in full.
        draws: random ways beside the true one when there are more.
        rng: source of the random ways; needed only then.

    Returns:
        Labels (subjects, draws), the true ones first: the dose as a share of the range, 0 lowest and 1 highest, so
        that the unit of the dose decides no tie. For two doses they are the relabellings of two arms.

    Raises:
        ValueError: a dose is missing, negative or infinite; strata of another length; a generator is needed.
    """
    return label_relabellings(_shares(dose), strata, max_exact=max_exact, draws=draws, rng=rng)


def dose_orbit(
    scores: np.ndarray, dose: ArrayLike, rearrangements: Rearrangements, strata: np.ndarray | None = None
) -> LinearOrbit:
    """S_j = Σ_i (x_i − x̄_s) u_ij / √(permutation variance) of every feature under every way to hand out the doses.

    Exact where doses were drawn by lot within strata, for any scores that do not know the dose: residuals of the model
    without dose (`null_model.null_scores`) or its censored scores. With scores missing or 0 see `relabelling_orbit`.

    Args:
        scores: (subjects, features) scores u; NaN where missing.
        dose: (subjects,) dose x in mg.
        rearrangements: what `dose_relabellings` gave for these doses and strata.
        strata: (subjects,) stratum s of the randomisation.

    Returns:
        The orbit, for `max_t`, `global_test` and `two_sided_p`.

    Raises:
        ValueError: shapes that do not fit together, or rearrangements of other doses.
    """
    shares = _shares(dose)
    if len(rearrangements.weights) == len(shares) and (rearrangements.weights[:, 0] != shares).any():
        raise ValueError("the rearrangements are of other doses: their first column is not the dose of these subjects")
    return label_orbit(scores, shares, rearrangements, strata)


def dose_test(
    scores: np.ndarray,
    dose: ArrayLike,
    rearrangements: Rearrangements,
    strata: np.ndarray | None = None,
    *,
    batch: int = DRAWS_PER_BATCH,
) -> ExactTest:
    """Exact two-sided test that the dose moved nobody's score, each feature on its own; arguments as in `dose_orbit`.

    `batch` is the number of draws per block; the result does not depend on it.
    """
    return label_test(dose_orbit(scores, dose, rearrangements, strata), UNDEFINED_NOTE, batch=batch)


def _shares(dose: ArrayLike) -> np.ndarray:
    """The dose as a share of the range, 0 lowest and 1 highest."""
    given = as_doses(dose)
    if np.isnan(given).any():
        raise ValueError("a dose is missing: leave its subject out before rearranging doses")
    above = given - given.min(initial=np.inf)
    return above / above.max(initial=0.0) if above.any() else np.zeros_like(given)
