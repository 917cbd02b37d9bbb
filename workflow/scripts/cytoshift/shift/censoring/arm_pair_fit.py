"""Which difference of arms, spreads and correlation make the pairs of every analyte most likely?

All analytes are fitted at once by a safeguarded Newton search; each goes its own way, so that its result does not
depend on the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cytoshift.shift.censoring.arm_pair_likelihood import ArmPairData
from cytoshift.shift.censoring.pair_likelihood import Likelihood

# In standard units, of log σ₁, log σ₂ and artanh ρ: a fit that ends on one of these has run away, or the correlation
# is ±1 for all that can be told.
LOWEST, HIGHEST = np.array([-7.0, -7.0, -10.0]), np.array([16.0, 16.0, 10.0])
# The search begins inside this range of artanh ρ, |ρ| ≤ 0.995.
FIRST_ZETA = 3.0
STEPS = 40
# Half the decrement estimates how much likelihood is left to gain; a gain below rounding cannot be seen.
SETTLED, NEARLY_SETTLED = 1e-18, 1e-7
# Of a curvature relative to its parameters' own: what Cholesky's method can still use, and what stands in for less.
DEFINITE, FLATTEST = 1e-10, 1e-7
# So many standard deviations beyond its limits a visit says nothing any more.
OUT_OF_SIGHT = 45.0


@dataclass(frozen=True)
class ArmPairFit:
    """Maximum of each analyte's likelihood, in standard units (see `ArmPairData` for the parameters).

    `parameters` (analytes, p), `log_likelihood` (analytes,), `gradient` (analytes, p) and `hessian` (analytes, p, p)
    by all parameters; `settled` (analytes,) whether the search ended at a maximum; `still` (analytes, p) which
    parameters stood still: fixed, or held at the edge of their range.
    """

    parameters: np.ndarray
    log_likelihood: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray
    settled: np.ndarray
    still: np.ndarray

    def take(self, analytes: np.ndarray) -> ArmPairFit:
        """The fit of the analytes of a mask."""
        return ArmPairFit(*(getattr(self, name)[analytes] for name in self.__dataclass_fields__))


def fixed_parameters(data: ArmPairData, beyond: np.ndarray, *, arms_alike_before: bool) -> np.ndarray:
    """(analytes, p) which parameters the data or the model leave no choice.

    A column that adds nothing has no coefficient; `beyond` (2, analytes) names visits without a value inside their
    limits, whose mean and spread, and the correlation, are out of sight; `arms_alike_before` sets α = 0.
    """
    columns = data.columns.shape[2]
    fixed = np.zeros((len(data.pairs), data.parameters), dtype=bool)
    fixed[:, : 2 * columns] = ~np.tile(data.kept, 2)
    for visit in (0, 1):
        place = slice(visit * columns, (visit + 1) * columns)
        fixed[:, place] |= beyond[visit][:, None]
        fixed[:, data.spreads.start + visit] |= beyond[visit]
    fixed[:, data.spreads.stop - 1] |= beyond.any(axis=0)
    if arms_alike_before:
        fixed[:, data.alpha] = True
    return fixed


def starting_values(data: ArmPairData, fixed: np.ndarray, opening: np.ndarray) -> np.ndarray:
    """Least squares with every non-detect placed beyond its limit; 0 for parameters that are fixed.

    `opening` (2, analytes) is −1 where every value of a visit is below its limit, +1 where every one is above: there
    the mean is put out of sight. Returns (analytes, p).
    """
    columns = data.columns.shape[2]
    count = np.maximum(data.pairs, 1)
    across = np.ascontiguousarray(data.columns.transpose(0, 2, 1))
    start = np.zeros((len(count), data.parameters))
    rest = []
    for visit in (0, 1):
        values = np.ascontiguousarray(np.where(np.isnan(data.middle[visit]), 0.0, data.middle[visit]).T)
        place = slice(visit * columns, (visit + 1) * columns)
        coefficients = (across @ values[:, :, None])[:, :, 0] / count[:, None]
        if visit == 1:
            coefficients[:, -1] -= start[:, data.alpha]
        start[:, place] = np.where(fixed[:, place], 0.0, coefficients)
        fitted = start[:, place].copy()
        if visit == 1:
            fitted[:, -1] += start[:, data.alpha]
        present = np.where(np.isnan(data.middle[visit]), 0.0, 1.0).T
        rest.append(values - present * (data.columns @ fitted[:, :, None])[:, :, 0])
    squares = [np.maximum((part**2).sum(axis=1) / count, 1e-12) for part in rest]
    correlation = (rest[0] * rest[1]).sum(axis=1) / count / np.sqrt(squares[0] * squares[1])
    limit = np.tanh(FIRST_ZETA)
    spreads = [0.5 * np.log(squares[0]), 0.5 * np.log(squares[1]), np.arctanh(np.clip(correlation, -limit, limit))]
    spreads = np.clip(np.stack(spreads, axis=1), LOWEST, HIGHEST)
    start[:, data.spreads] = np.where(fixed[:, data.spreads], 0.0, spreads)
    # The first column is that of the intercept: 1 for everybody.
    start[:, [0, columns]] += OUT_OF_SIGHT * opening.T
    return start


def fit_arm_pairs(
    data: ArmPairData, start: np.ndarray, fixed: np.ndarray, settled_below: float = SETTLED
) -> ArmPairFit:
    """Maximise every analyte's likelihood over the parameters that are not `fixed`, from `start` (analytes, p).

    Newton steps on the curvature made positive, no longer than one standard deviation, shortened until the likelihood
    does not fall; they end when the decrement is below `settled_below`.
    """
    who, part = np.arange(len(start)), data
    start = start.copy()
    start[:, data.spreads] = np.clip(start[:, data.spreads], LOWEST, HIGHEST)
    here = _State.at(part, start, fixed)
    results = {name: getattr(here, name).copy() for name in _State.__dataclass_fields__}
    factor, running = np.ones(len(start)), np.ones(len(start), dtype=bool)
    for _ in range(STEPS):
        running &= (here.decrement > settled_below) & (factor > 1e-9)
        if (~running).mean() > 0.25 or not running.any():
            for name, result in results.items():
                result[who] = getattr(here, name)
            who, factor, part, here = who[running], factor[running], part.take(running), here.take(running)
            running = running[running]
        if not len(who):
            break
        trial = _State.at(part, here.moved(np.where(running, factor, 0.0), part.spreads), here.fixed)
        better = running & (trial.value >= here.value - 1e-13 * (1 + np.abs(here.value)))
        here = _State.choose(better, trial, here)
        factor = np.where(better, 1.0, np.where(running, factor / 4, factor))
    for name, result in results.items():
        result[who] = getattr(here, name)
    return ArmPairFit(
        parameters=results["parameters"],
        log_likelihood=results["value"],
        gradient=results["gradient"],
        hessian=results["hessian"],
        settled=results["decrement"] <= NEARLY_SETTLED,
        still=results["still"],
    )


@dataclass(frozen=True)
class _State:
    """Where the search of some analytes stands, and where it would go."""

    parameters: np.ndarray
    value: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray
    direction: np.ndarray
    decrement: np.ndarray
    fixed: np.ndarray
    still: np.ndarray

    @classmethod
    def at(cls, data: ArmPairData, parameters: np.ndarray, fixed: np.ndarray) -> _State:
        found = _finite(data.likelihood(parameters))
        still = fixed.copy()
        edge, slope = parameters[:, data.spreads], found.gradient[:, data.spreads]
        still[:, data.spreads] |= ((edge >= HIGHEST) & (slope > 0)) | ((edge <= LOWEST) & (slope < 0))
        direction, _ = newton_direction(found.gradient, found.hessian, still)
        decrement = (found.gradient * direction).sum(axis=1)
        columns = data.columns.shape[2]
        longest = np.ones_like(parameters)
        longest[:, :columns] = np.exp(parameters[:, data.spreads.start])[:, None]
        longest[:, columns : 2 * columns] = np.exp(parameters[:, data.spreads.start + 1])[:, None]
        direction = direction / np.maximum((np.abs(direction) / longest).max(axis=1), 1.0)[:, None]
        return cls(parameters, found.value, found.gradient, found.hessian, direction, decrement, fixed, still)

    def moved(self, factor: np.ndarray, spreads: slice) -> np.ndarray:
        """Parameters that share of the way on, inside their ranges."""
        parameters = self.parameters + factor[:, None] * self.direction
        parameters[:, spreads] = np.clip(parameters[:, spreads], LOWEST, HIGHEST)
        return parameters

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
        np.where(sound[:, None, None], found.hessian, -np.eye(found.gradient.shape[1])),
    )


def newton_direction(right: np.ndarray, hessian: np.ndarray, still: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solve (−hessian)·x = right with every curvature made positive: x (analytes, p), and where it was already.

    x is 0 for parameters that stand still. Where the curvature is positive, Cholesky's method is the cheaper way.
    """
    scaled, size = _scaled_curvature(hessian, still)
    right = np.where(still, 0.0, right) * size
    solution, definite = _cholesky_solve(scaled, right)
    rest = ~definite
    if rest.any():
        values, vectors = np.linalg.eigh(scaled[rest])
        values = np.maximum(np.abs(values), FLATTEST)
        along = (vectors.transpose(0, 2, 1) @ right[rest][:, :, None])[:, :, 0] / values
        solution[rest] = (vectors @ along[:, :, None])[:, :, 0]
    return np.where(still, 0.0, solution * size), definite


def _scaled_curvature(hessian: np.ndarray, still: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """−hessian with a diagonal of ±1, that of the identity where parameters stand still, and the factors that do it."""
    moving = ~still
    diagonal = np.where(moving, np.abs(np.einsum("aii->ai", hessian)), 1.0)
    size = 1 / np.sqrt(np.maximum(diagonal, 1e-300))
    curvature = np.where(moving[:, :, None] & moving[:, None, :], -hessian, 0.0) * size[:, :, None] * size[:, None, :]
    return curvature + np.eye(hessian.shape[1]) * still[:, :, None], size


def _cholesky_solve(matrix: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solutions (analytes, p), and where the matrix is clearly positive definite; elsewhere they mean nothing."""
    size = matrix.shape[1]
    lower = np.zeros_like(matrix)
    solution = right.copy()
    definite = np.ones(len(matrix), dtype=bool)
    for j in range(size):
        column = matrix[:, j:, j] - np.einsum("aik,ak->ai", lower[:, j:, :j], lower[:, j, :j])
        definite &= column[:, 0] > DEFINITE
        # What is not definite goes on as the identity, so that nothing overflows.
        column = np.where(definite[:, None], column, np.arange(size - j) == 0)
        root = np.sqrt(column[:, 0])
        lower[:, j:, j] = column / root[:, None]
        solution[:, j] = (solution[:, j] - np.einsum("ak,ak->a", lower[:, j, :j], solution[:, :j])) / root
    for j in reversed(range(size)):
        later = np.einsum("ak,ak->a", lower[:, j + 1 :, j], solution[:, j + 1 :])
        solution[:, j] = (solution[:, j] - later) / lower[:, j, j]
    return solution, definite
