"""What shift, spread and correlation make the pairs of every analyte most likely, non-detects included as intervals?

The model of a pair is bivariate normal with means (μ − δ/2, μ + δ/2), log standard deviations (λ − κ/2, λ + κ/2) and
correlation tanh ζ: δ is the shift, κ the change of spread. It is symmetric: exchanging the two visits of every pair
changes the signs of δ and κ and nothing else. All analytes are fitted at once by the safeguarded Newton search of
`climb`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cytoshift.shift.censoring.climb import Slope, climb_within
from cytoshift.shift.censoring.pair_data import PairData, sum_of_subjects
from cytoshift.shift.censoring.pair_likelihood import PARAMETERS, Likelihood

MU, DELTA, LAMBDA, KAPPA, ZETA = range(PARAMETERS)
FULL = (MU, DELTA, LAMBDA, ZETA)
FIXED_SHIFT = (MU, LAMBDA, ZETA)
UNEQUAL_SPREAD = (MU, DELTA, LAMBDA, KAPPA, ZETA)
# Natural parameters (m₁, m₂, log σ₁, log σ₂, ζ) of the model's (μ, δ, λ, κ, ζ).
TO_NATURAL = np.array(
    [[1, -0.5, 0, 0, 0], [1, 0.5, 0, 0, 0], [0, 0, 1, -0.5, 0], [0, 0, 1, 0.5, 0], [0, 0, 0, 0, 1]], dtype=float
)
# In standard units: a fit that ends on one of these has run away, or the correlation is ±1 for all that can be told.
LOWEST = np.array([-np.inf, -np.inf, -7.0, -6.0, -10.0])
HIGHEST = np.array([np.inf, np.inf, 16.0, 6.0, 10.0])
# The search begins inside this range of ζ, |ρ| ≤ 0.995, unless every value is known.
FIRST_ZETA = 3.0
STEPS = 120
# Half the decrement estimates how much likelihood is left to gain; a gain below rounding cannot be seen.
SETTLED, NEARLY_SETTLED = 1e-18, 1e-7
# A curvature below this is what rounding leaves of 0.
LEAST = 1e-12


@dataclass(frozen=True)
class PairFit:
    """Maximum of each analyte's likelihood, in standard units (see `PairData`).

    `parameters` (analytes, 5) are (μ, δ, λ, κ, ζ); `log_likelihood` (analytes,); `gradient` (analytes, 5) and
    `hessian` (analytes, 5, 5) by all five; `settled` (analytes,) whether the search ended at a maximum inside its
    range; `held` (analytes, 5) which parameters ended at the edge of theirs.
    """

    parameters: np.ndarray
    log_likelihood: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray
    settled: np.ndarray
    held: np.ndarray


def to_natural(parameters: np.ndarray) -> np.ndarray:
    """Natural parameters (analytes, 5) of the model's (analytes, 5)."""
    # One product per analyte: its bits do not depend on how many there are.
    return (parameters[:, None, :] @ TO_NATURAL.T)[:, 0]


def model_likelihood(data: PairData, parameters: np.ndarray) -> Likelihood:
    """Log-likelihood and derivatives by (μ, δ, λ, κ, ζ); `parameters` is (analytes, 5)."""
    natural = data.likelihood(to_natural(parameters))
    gradient = (natural.gradient[:, None, :] @ TO_NATURAL)[:, 0]
    return Likelihood(natural.value, gradient, TO_NATURAL.T @ natural.hessian @ TO_NATURAL)


def _longest_step(parameters: np.ndarray) -> np.ndarray:
    """A mean moves by one standard deviation, a spread by the factor e."""
    length = np.ones_like(parameters)
    length[:, [MU, DELTA]] = np.exp(parameters[:, [LAMBDA]])
    return length


SLOPE = Slope(LOWEST, HIGHEST, _longest_step, LEAST, by_cholesky=False)


def starting_values(data: PairData, shift: np.ndarray | None = None) -> np.ndarray:
    """Moments with every non-detect placed beyond its limit: the maximum itself where every value is known.

    `shift` (analytes,) is the fixed δ, or None where it is estimated. Returns (analytes, 5).
    """
    first, second = data.middle
    count = np.maximum(data.pairs, 1)
    sums, changes = first + second, second - first
    mean_sum = sum_of_subjects(sums) / count
    if shift is None:
        shift = sum_of_subjects(changes) / count
    of_sum = sum_of_subjects((sums - mean_sum) ** 2) / count
    of_change = sum_of_subjects((changes - shift) ** 2) / count
    least = 1e-12
    of_sum, of_change = np.maximum(of_sum, least), np.maximum(of_change, least)
    zeta = 0.5 * np.log(of_sum / of_change)
    exact = data.known.count == data.pairs
    start = np.zeros((len(count), PARAMETERS))
    start[:, MU], start[:, DELTA] = mean_sum / 2, shift
    start[:, LAMBDA] = 0.5 * np.log((of_sum + of_change) / 4)
    start[:, ZETA] = np.where(exact, zeta, np.clip(zeta, -FIRST_ZETA, FIRST_ZETA))
    return np.clip(start, LOWEST, HIGHEST)


def fit_pairs(data: PairData, start: np.ndarray, free: tuple[int, ...]) -> PairFit:
    """Maximise every analyte's likelihood over the free parameters, from `start` (analytes, 5).

    The search (see `climb`) takes no step longer than one standard deviation.
    """
    fixed = np.ones(PARAMETERS, dtype=bool)
    fixed[list(free)] = False
    top = climb_within(data, model_likelihood, start, fixed, SLOPE, steps=STEPS, settled=SETTLED)
    settled = (top.decrement <= NEARLY_SETTLED) & ~top.held[:, LAMBDA]
    return PairFit(top.parameters, top.log_likelihood, top.gradient, top.hessian, settled, top.held)


def fit_without_shift(data: PairData) -> PairFit:
    """The fit with δ = 0: the null hypothesis of the likelihood ratio and of the scores."""
    return fit_pairs(data, starting_values(data, np.zeros(len(data.pairs))), FIXED_SHIFT)
