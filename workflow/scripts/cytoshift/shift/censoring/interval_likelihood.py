"""How well does a linear model explain values that are known exactly or only between limits, for all features at once?

With mean Xβ and spread σ the model is fitted in γ = β/σ, on an orthonormal basis of X, and τ = 1/σ. In these the
log-likelihood is concave (Burridge 1981; Olsen 1978): whatever maximum Newton's method finds is the only one, and what
a likelihood ratio leaves of any coefficient is an interval. Features share nothing but the arrays they are kept in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from cytoshift.shift.censoring.bivariate_normal import LOG_ROOT_TWO_PI, interval_terms
from cytoshift.shift.censoring.climb import Place, Rows, climb, only_finite
from cytoshift.shift.censoring.pair_data import BEYOND_LIMIT, NARROW, sum_of_subjects
from cytoshift.shift.censoring.pair_likelihood import Likelihood
from cytoshift.shift.estimates import ROUNDING

# τ in standard units beyond which the known values hardly vary beside the model (or vary without end).
LARGEST_TAU = 1e4
STEPS = 120
# The Newton decrement estimates twice the likelihood still to be gained: at this little the last step is taken.
SETTLED, NEARLY_SETTLED = 1e-12, 1e-7
# Eigenvalues of the information below this share are what rounding leaves of 0.
FLATTEST = 1e-13
# No step moves a mean farther than this, in σ or standard units, nor takes away more than this share of τ.
LONGEST_STEP, LARGEST_CUT = 10.0, 0.9
# Nor is a step tried at less than this share.
SHORTEST = 5e-10


@dataclass(frozen=True)
class IntervalData(Rows):
    """Values of F features in standard units, value = centre + scale × standard value; subjects along the second axis.

    `known` and `censored` (F, S) tell how a value is known; neither where it is missing. `value` (F, S) is a number
    inside every interval, non-detects placed beyond their limit, 0 where missing; `lower` and `upper` (F, S) are the
    limits. `basis` (F, S, C) is an orthonormal basis of the design, 0 for missing subjects and for columns left out.
    """

    known: np.ndarray
    censored: np.ndarray
    value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    basis: np.ndarray
    centre: np.ndarray
    scale: np.ndarray

    @property
    def count(self) -> np.ndarray:
        """(F,) subjects with a value."""
        return (self.known | self.censored).sum(axis=1)

    def without_last(self, coefficient: np.ndarray | None = None) -> IntervalData:
        """The data less `coefficient` (F,) times the last column of root mean square 1, to be fitted by the others."""
        rest = replace(self, basis=np.ascontiguousarray(self.basis[:, :, :-1]))
        if coefficient is None:
            return rest
        by = coefficient[:, None] * self.last
        return replace(rest, value=self.value - by, lower=self.lower - by, upper=self.upper - by)

    @property
    def last(self) -> np.ndarray:
        """(F, S) what the last column says beside the others, with a root mean square of 1."""
        return self.basis[:, :, -1] * np.sqrt(self.count)[:, None]


@dataclass(frozen=True)
class IntervalFit(Place):
    """Maximum of each feature's likelihood in standard units.

    `parameters` (F, C + 1) are γ, then τ; `decrement` (F,) is what the last step promised, that to this place; `slope`
    (F, S) each subject's derivative by its standardised mean.
    """

    slope: np.ndarray

    @property
    def tau(self) -> np.ndarray:
        """(F,) 1/σ."""
        return self.parameters[:, -1]

    @property
    def runaway(self) -> np.ndarray:
        """(F,) whether the spread went to 0: the known values are explained without any."""
        return self.tau >= LARGEST_TAU * (1 - ROUNDING)

    @property
    def endless(self) -> np.ndarray:
        """(F,) whether the spread grew without end: no known value keeps it."""
        return self.tau <= 1 / LARGEST_TAU

    @property
    def settled(self) -> np.ndarray:
        """(F,) whether nothing is left to gain, and the spread is neither 0 nor endless; coefficients may be."""
        return (self.decrement <= NEARLY_SETTLED) & ~self.runaway & ~self.endless


def checked_bounds(lower: ArrayLike, upper: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Limits (subjects, features) as floats, NaN in both where a value is missing or may be anything.

    Raises ValueError when shapes differ, a lower limit exceeds its upper limit, or both are infinite on one side.
    """
    low, high = np.asarray(lower, dtype=float), np.asarray(upper, dtype=float)
    if low.ndim != 2 or low.shape != high.shape:
        raise ValueError(f"the limits need one shape (subjects, features), not {low.shape} and {high.shape}")
    if (low > high).any() or (low == np.inf).any() or (high == -np.inf).any():
        raise ValueError("an interval needs lower ≤ upper, and a value somewhere in it")
    missing = np.isnan(low) | np.isnan(high) | ((low == -np.inf) & (high == np.inf))
    return np.where(missing, np.nan, low), np.where(missing, np.nan, high)


def interval_data(lower: np.ndarray, upper: np.ndarray, basis: np.ndarray, *, centred: bool = True) -> IntervalData:
    """Checked limits (subjects, features) and a basis (features, subjects, columns) in standard units.

    A subject whose basis is of no account (a covariate is missing) has NaN for limits. `centred` only where the columns
    that stay in every model add up to an intercept; otherwise 0 stays 0, and a change of all signs changes nothing.
    """
    # Sorted: the bits of centre and scale do not depend on who came first.
    limits = np.concatenate([lower, upper])
    limits = np.sort(limits if centred else np.abs(limits), axis=0)
    finite = np.isfinite(limits)
    count = np.maximum(finite.sum(axis=0), 1)
    limits = np.where(finite, limits, np.nan)
    centre = sum_of_subjects(limits) / count if centred else np.zeros(count.shape)
    scale = np.sqrt(sum_of_subjects((limits - centre) ** 2) / count)
    largest = np.where(finite, np.abs(limits), 0.0).max(axis=0, initial=0.0)
    scale = np.where(scale > ROUNDING * largest, scale, 1.0)
    low, high = (np.ascontiguousarray(((limit - centre) / scale).T) for limit in (lower, upper))
    present = ~np.isnan(low)
    inside = np.where(low == -np.inf, high - BEYOND_LIMIT, np.where(high == np.inf, low + BEYOND_LIMIT, low))
    inside = np.where(np.isfinite(low) & np.isfinite(high), 0.5 * (low + high), inside)
    inside = np.where(present, inside, 0.0)
    # What the design leaves is of the order of σ, however far apart it puts the means.
    residual = inside - np.matmul(basis, np.matmul(basis.transpose(0, 2, 1), inside[:, :, None]))[:, :, 0]
    left = np.sqrt((residual**2).sum(axis=1) / np.maximum(present.sum(axis=1), 1))
    left = np.where(left > ROUNDING * np.abs(inside).max(axis=1, initial=0.0), left, 1.0)
    low, high, inside, scale = low / left[:, None], high / left[:, None], inside / left[:, None], scale * left
    known = present & (high - low <= NARROW)
    return IntervalData(
        known=known,
        censored=present & ~known,
        value=inside,
        lower=low,
        upper=high,
        basis=np.ascontiguousarray(basis),
        centre=centre,
        scale=scale,
    )


def starting_values(data: IntervalData) -> np.ndarray:
    """Least squares with every non-detect placed beyond its limit, (F, C + 1): the maximum where all is known."""
    count = np.maximum(data.count, 1)
    coefficient = np.matmul(data.basis.transpose(0, 2, 1), data.value[:, :, None])
    residual = data.value - np.matmul(data.basis, coefficient)[:, :, 0]
    spread = np.sqrt((residual**2).sum(axis=1) / count)
    tau = 1 / np.maximum(spread, 1e-3)
    return np.concatenate([coefficient[:, :, 0] * tau[:, None], tau[:, None]], axis=1)


def fit_intervals(data: IntervalData, start: np.ndarray | None = None) -> IntervalFit:
    """Maximise every feature's likelihood from `start` (F, C + 1), or from least squares.

    Newton steps (see `climb`). Where it rises for ever in some direction of γ (an arm
    wholly below its limit), the search ends as soon as nothing is left to gain.
    """
    first = starting_values(data) if start is None else start
    return climb(data, _likelihood(data, first), _onwards, steps=STEPS, settled=SETTLED, shortest=SHORTEST)


def _onwards(data: IntervalData, here: IntervalFit, share: np.ndarray) -> IntervalFit:
    direction, decrement = _ascent(here, data.count)
    return replace(_likelihood(data, here.parameters + share[:, None] * direction), decrement=decrement)


def _likelihood(data: IntervalData, parameters: np.ndarray) -> IntervalFit:
    """Log-likelihood and derivatives at γ and τ; −∞ at a place so far off that a number overflows."""
    tau = parameters[:, -1]
    mean = np.matmul(data.basis, parameters[:, :-1, None])[:, :, 0]
    y = np.where(data.known, data.value, 0.0)
    # Of each subject: value, derivatives by mean and τ, second derivatives by (mean, mean), (mean, τ), (τ, τ).
    parts = np.zeros((6, *mean.shape))
    z = np.where(data.known, tau[:, None] * y - mean, 0.0)
    parts[:] = -0.5 * z**2, z, -z * y, np.where(data.known, -1.0, 0.0), y, -(y**2)
    hidden = data.censored
    own_tau = np.broadcast_to(tau[:, None], hidden.shape)[hidden]
    parts[:, hidden] = _hidden_parts(data.lower[hidden], data.upper[hidden], mean[hidden], own_tau)
    value, _, by_tau, _, _, by_tau_twice = parts.sum(axis=2)
    count, turned = data.known.sum(axis=1), data.basis.transpose(0, 2, 1)
    columns = parameters.shape[1]
    gradient = np.empty((len(tau), columns))
    gradient[:, :-1] = np.matmul(turned, parts[1][:, :, None])[:, :, 0]
    gradient[:, -1] = by_tau + count / tau
    hessian = np.empty((len(tau), columns, columns))
    hessian[:, :-1, :-1] = np.matmul(turned, parts[3][:, :, None] * data.basis)
    hessian[:, :-1, -1] = hessian[:, -1, :-1] = np.matmul(turned, parts[4][:, :, None])[:, :, 0]
    hessian[:, -1, -1] = by_tau_twice - count / tau**2
    found = only_finite(Likelihood(value + count * (np.log(tau) - LOG_ROOT_TWO_PI), gradient, hessian))
    return IntervalFit(
        parameters=parameters,
        log_likelihood=found.value,
        gradient=found.gradient,
        hessian=found.hessian,
        decrement=np.full(len(tau), np.inf),
        slope=parts[1],
    )


def _hidden_parts(lower: np.ndarray, upper: np.ndarray, mean: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """(6, N) what values known between limits add, in the order of `_likelihood`."""
    z_lower, z_upper = tau * lower - mean, tau * upper - mean
    log_probability, at_lower, at_upper = interval_terms(z_lower, z_upper)
    lower, z_lower = (np.where(np.isfinite(lower), part, 0.0) for part in (lower, z_lower))
    upper, z_upper = (np.where(np.isfinite(upper), part, 0.0) for part in (upper, z_upper))
    low, high, both = (z_lower - at_lower) * at_lower, -(z_upper + at_upper) * at_upper, at_lower * at_upper
    return np.stack(
        [
            log_probability,
            at_lower - at_upper,
            upper * at_upper - lower * at_lower,
            low + 2 * both + high,
            -(lower * low + (lower + upper) * both + upper * high),
            lower**2 * low + 2 * lower * upper * both + upper**2 * high,
        ]
    )


def _ascent(here: IntervalFit, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Newton direction, no longer than is sensible, and the decrement; τ stays where it would leave its range."""
    gradient, information = here.gradient.copy(), -here.hessian
    outwards = (here.runaway & (gradient[:, -1] > 0)) | here.endless
    gradient[outwards, -1] = 0.0
    information[outwards, -1, :] = information[outwards, :, -1] = 0.0
    size, values, vectors = scaled_information(information, 1e-12)
    right = np.matmul(vectors.transpose(0, 2, 1), (gradient * size)[:, :, None])
    direction = np.matmul(vectors, right / values[:, :, None])[:, :, 0] * size
    decrement = (gradient * direction).sum(axis=1)
    reach = LONGEST_STEP * np.sqrt(np.maximum(count, 1)) * np.maximum(here.tau, 1.0)
    farthest = np.abs(direction[:, :-1]).max(axis=1, initial=0.0) / reach
    # γ and τ are shortened together: the one without the other would move the means.
    room = np.where(direction[:, -1] > 0, LARGEST_TAU - here.tau, LARGEST_CUT * here.tau)
    longest = np.maximum(np.maximum(farthest, np.abs(direction[:, -1]) / np.maximum(room, 1e-300)), 1.0)
    return direction / longest[:, None], decrement


def scaled_information(information: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eigenvalues and -vectors of size_i · information · size_j, whose diagonal is 1 where it is not below `least`.

    Columns without any information (left out of the design, or held) get a direction of their own, so that rounding
    does not mix them with one in which the likelihood hardly bends.
    Returns sizes (F, P), eigenvalues (F, P), none below what rounding leaves of 0, and vectors (F, P, P).
    """
    diagonal = np.einsum("fii->fi", information)
    size = 1 / np.sqrt(np.maximum(diagonal, least))
    scaled = information * size[:, :, None] * size[:, None, :] + np.eye(size.shape[1]) * (diagonal == 0)[:, None, :]
    values, vectors = np.linalg.eigh(scaled)
    return size, np.maximum(values, FLATTEST), vectors
