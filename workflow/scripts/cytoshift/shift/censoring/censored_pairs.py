"""What shift, spread and correlation make the pairs of every analyte most likely, non-detects included as intervals?

The model of a pair is bivariate normal with means (μ − δ/2, μ + δ/2), log standard deviations (λ − κ/2, λ + κ/2) and
correlation tanh ζ: δ is the shift, κ the change of spread. It is symmetric: exchanging the two visits of every pair
changes the signs of δ and κ and nothing else. All analytes are fitted at once by a safeguarded Newton search.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
FLATTEST = 1e-7


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

    Newton steps on the curvature made positive, no longer than one standard deviation, halved until the likelihood
    does not fall. Each analyte goes its own way: its result does not depend on the others.
    """
    analytes = len(start)
    parameters = start.copy()
    fixed = np.ones(PARAMETERS, dtype=bool)
    fixed[list(free)] = False
    value = np.empty(analytes)
    gradient, hessian = np.empty((analytes, PARAMETERS)), np.empty((analytes, PARAMETERS, PARAMETERS))
    decrement = np.full(analytes, np.inf)
    held = np.zeros((analytes, PARAMETERS), dtype=bool)
    who, part = np.arange(analytes), data
    here = _State.at(part, start, fixed)
    factor = np.ones(analytes)
    running = np.ones(analytes, dtype=bool)
    for step in range(STEPS + 1):
        running &= (here.decrement > SETTLED) & (factor > 1e-9)
        done = ~running
        if done.any() and (done.mean() > 0.25 or not running.any() or step == STEPS):
            _store(who, here, (parameters, value, gradient, hessian, decrement, held))
            who, factor = who[running], factor[running]
            part, here = part.take(running), here.take(running)
            running = running[running]
        if not len(who) or step == STEPS:
            break
        limited = here.parameters + np.where(running, factor, 0.0)[:, None] * here.direction
        trial = _State.at(part, np.clip(limited, LOWEST, HIGHEST), fixed)
        better = running & (trial.value >= here.value - 1e-13 * (1 + np.abs(here.value)))
        here = _State.choose(better, trial, here)
        factor = np.where(better, 1.0, np.where(running, factor / 4, factor))
    _store(who, here, (parameters, value, gradient, hessian, decrement, held))
    settled = (decrement <= NEARLY_SETTLED) & ~held[:, LAMBDA]
    return PairFit(parameters, value, gradient, hessian, settled, held)


def fit_without_shift(data: PairData) -> PairFit:
    """The fit with δ = 0: the null hypothesis of the likelihood ratio and of the scores."""
    return fit_pairs(data, starting_values(data, np.zeros(len(data.pairs))), FIXED_SHIFT)


@dataclass(frozen=True)
class _State:
    """Where the search of some analytes stands, and where it would go."""

    parameters: np.ndarray
    value: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray
    direction: np.ndarray
    decrement: np.ndarray
    held: np.ndarray

    @classmethod
    def at(cls, data: PairData, parameters: np.ndarray, fixed: np.ndarray) -> _State:
        found = _finite(model_likelihood(data, parameters))
        outwards = ((parameters >= HIGHEST) & (found.gradient > 0)) | ((parameters <= LOWEST) & (found.gradient < 0))
        held = outwards & ~fixed
        direction = _ascent(found.gradient, found.hessian, fixed | held)
        decrement = (found.gradient * direction).sum(axis=1)
        length = np.exp(parameters[:, LAMBDA])[:, None] * np.array([1, 1, 0, 0, 0]) + np.array([0, 0, 1, 1, 1])
        longest = (np.abs(direction) / length).max(axis=1)
        direction = direction / np.maximum(longest, 1.0)[:, None]
        return cls(parameters, found.value, found.gradient, found.hessian, direction, decrement, held)

    @classmethod
    def choose(cls, first: np.ndarray, one: _State, other: _State) -> _State:
        def pick(name: str) -> np.ndarray:
            a, b = getattr(one, name), getattr(other, name)
            return np.where(first.reshape(-1, *[1] * (a.ndim - 1)), a, b)

        return cls(*(pick(name) for name in cls.__dataclass_fields__))

    def take(self, analytes: np.ndarray) -> _State:
        return _State(*(getattr(self, name)[analytes] for name in self.__dataclass_fields__))


def _finite(found: Likelihood) -> Likelihood:
    """A place so far off that a number overflows is worse than any other, and no place to go on from."""
    sound = np.isfinite(found.value) & np.isfinite(found.gradient).all(axis=1) & np.isfinite(found.hessian).all((1, 2))
    return Likelihood(
        np.where(sound, found.value, -np.inf),
        np.where(sound[:, None], found.gradient, 0.0),
        np.where(sound[:, None, None], found.hessian, -np.eye(PARAMETERS)),
    )


def _store(who: np.ndarray, here: _State, results: tuple[np.ndarray, ...]) -> None:
    names = ("parameters", "value", "gradient", "hessian", "decrement", "held")
    for name, result in zip(names, results, strict=True):
        result[who] = getattr(here, name)


def _ascent(gradient: np.ndarray, hessian: np.ndarray, still: np.ndarray) -> np.ndarray:
    """Newton direction with every curvature made positive; 0 for parameters that stand still."""
    still = np.broadcast_to(still, gradient.shape)
    moving = ~still
    pair = moving[:, :, None] & moving[:, None, :]
    curvature = np.where(pair, -hessian, 0.0)
    diagonal = np.where(moving, np.abs(np.einsum("aii->ai", hessian)), 1.0)
    size = 1 / np.sqrt(np.maximum(diagonal, 1e-12))
    scaled = curvature * size[:, :, None] * size[:, None, :] + np.eye(PARAMETERS) * still[:, :, None]
    values, vectors = np.linalg.eigh(scaled)
    values = np.maximum(np.abs(values), FLATTEST)
    right = vectors.transpose(0, 2, 1) @ (np.where(moving, gradient, 0.0) * size)[:, :, None]
    return (vectors @ (right / values[:, :, None]))[:, :, 0] * size * moving
