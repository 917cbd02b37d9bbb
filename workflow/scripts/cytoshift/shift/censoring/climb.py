"""How is a likelihood climbed for thousands of analytes at once?

By Newton steps on the curvature made positive, no longer than is sensible, shortened until the likelihood does not
fall. Analytes share nothing but the arrays they are kept in: the bits of one do not depend on which others there are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self, TypeVar

import numpy as np

from cytoshift.shift.censoring.pair_likelihood import Likelihood

# A step this small a share of its length is the last that is tried.
SHORTEST = 1e-9
# A step that falls by no more than this, relative to the likelihood, has not fallen but for rounding.
ROUNDED = 1e-13
# What finished analytes cost is saved when they are more than this share.
WORTH_LEAVING_OUT = 0.25
# Of a curvature relative to its parameters' own: what Cholesky's method can still use, and what stands in for less.
DEFINITE, FLATTEST = 1e-10, 1e-7


class Rows:
    """A dataclass whose arrays have one row per analyte."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def take(self, analytes: np.ndarray) -> Self:
        """The same of the analytes of a mask."""
        return type(self)(*(getattr(self, name)[analytes] for name in self.__dataclass_fields__))

    def choose(self, first: np.ndarray, other: Self) -> Self:
        """Rows of this one where `first` (analytes,) says so, of `other` elsewhere."""

        def pick(name: str) -> np.ndarray:
            one, two = getattr(self, name), getattr(other, name)
            return np.where(first.reshape(-1, *[1] * (one.ndim - 1)), one, two)

        return type(self)(*(pick(name) for name in self.__dataclass_fields__))

    def store(self, who: np.ndarray, found: Self) -> None:
        """Overwrite the rows numbered `who` with those of `found`."""
        for name in self.__dataclass_fields__:
            getattr(self, name)[who] = getattr(found, name)


@dataclass(frozen=True)
class Place(Rows):
    """Where the search of some analytes stands.

    `parameters` (analytes, p); `log_likelihood` (analytes,), `gradient` (analytes, p) and `hessian` (analytes, p, p) by
    all parameters; `decrement` (analytes,) twice the likelihood that a step promises.
    """

    parameters: np.ndarray
    log_likelihood: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray
    decrement: np.ndarray


@dataclass(frozen=True)
class BoundedPlace(Place):
    """A place among parameters with a range, and the `direction` (analytes, p) of the next step.

    `fixed` and `still` (analytes, p) tell which parameters never move, and which do not move from here: they are fixed,
    or at the edge of their range and drawn beyond it.
    """

    direction: np.ndarray
    fixed: np.ndarray
    still: np.ndarray

    @property
    def held(self) -> np.ndarray:
        """(analytes, p) which parameters are at the edge of their range and drawn beyond it."""
        return self.still & ~self.fixed


class Divisible(Protocol):
    """Data of many analytes of which those of a mask can be taken."""

    def take(self, analytes: np.ndarray, /) -> Self:
        """The data of the analytes of a mask."""


Data = TypeVar("Data", bound=Divisible)
Found = TypeVar("Found", bound=Place)


@dataclass(frozen=True)
class Slope:
    """What a search must know of the parameters it moves.

    `lowest` and `highest` (p,) are their ranges; `longest` gives, at parameters (analytes, p), the longest step of each
    (analytes, p). `least` and `by_cholesky` as in `newton_direction`.
    """

    lowest: np.ndarray
    highest: np.ndarray
    longest: Callable[[np.ndarray], np.ndarray]
    least: float
    by_cholesky: bool

    def place(self, found: Likelihood, parameters: np.ndarray, fixed: np.ndarray) -> BoundedPlace:
        """The place of these parameters, and where it goes on from there."""
        found = only_finite(found)
        gradient = found.gradient
        outwards = ((parameters >= self.highest) & (gradient > 0)) | ((parameters <= self.lowest) & (gradient < 0))
        still = fixed | outwards
        direction = newton_direction(gradient, found.hessian, still, least=self.least, by_cholesky=self.by_cholesky)
        decrement = (gradient * direction).sum(axis=1)
        too_long = np.maximum((np.abs(direction) / self.longest(parameters)).max(axis=1), 1.0)
        direction = direction / too_long[:, None]
        return BoundedPlace(parameters, found.value, gradient, found.hessian, decrement, direction, fixed, still)


def climb_within(
    data: Data,
    likelihood: Callable[[Data, np.ndarray], Likelihood],
    start: np.ndarray,
    fixed: np.ndarray,
    slope: Slope,
    *,
    steps: int,
    settled: float,
) -> BoundedPlace:
    """Maximise every analyte's likelihood over the parameters that are not `fixed`, each inside its range.

    Args:
        data: of the analytes.
        likelihood: of some analytes' data at parameters (analytes, p).
        start: (analytes, p) where to begin.
        fixed: (analytes, p), or (p,) for all, parameters that stay as they are.
        slope: ranges and longest steps of the parameters.
        steps: how many steps are tried at most.
        settled: decrement at which a search ends.

    Returns:
        Where each search ended, which need not be a maximum: its decrement tells.
    """

    def onwards(part: Data, here: BoundedPlace, share: np.ndarray) -> BoundedPlace:
        parameters = np.clip(here.parameters + share[:, None] * here.direction, slope.lowest, slope.highest)
        return slope.place(likelihood(part, parameters), parameters, here.fixed)

    start = np.clip(start, slope.lowest, slope.highest)
    here = slope.place(likelihood(data, start), start, np.broadcast_to(fixed, start.shape))
    return climb(data, here, onwards, steps=steps, settled=settled)


def climb(
    data: Data,
    here: Found,
    onwards: Callable[[Data, Found, np.ndarray], Found],
    *,
    steps: int,
    settled: float,
    shortest: float = SHORTEST,
) -> Found:
    """Go on from place to place as long as the likelihood does not fall; a step that falls is tried at a quarter.

    Args:
        data: of the analytes.
        here: where they begin.
        onwards: of some analytes' data, the places they have reached and the share (analytes,) of a step to take, 0 for
            those that are done: the places they come to.
        steps: how many steps are tried at most.
        settled: decrement at which a search ends.
        shortest: share of a step at which a search gives up.

    Returns:
        Where each search ended.
    """
    results = here.take(np.ones(len(here.parameters), dtype=bool))
    who, share = np.arange(len(here.parameters)), np.ones(len(here.parameters))
    running = np.ones(len(who), dtype=bool)
    for _ in range(steps):
        running &= (here.decrement > settled) & (share > shortest)
        if (~running).sum() > WORTH_LEAVING_OUT * len(who):
            results.store(who, here)
            who, share, data, here = who[running], share[running], data.take(running), here.take(running)
            running = running[running]
        if not len(who):
            break
        trial = onwards(data, here, np.where(running, share, 0.0))
        reached = trial.log_likelihood >= here.log_likelihood - ROUNDED * (1 + np.abs(here.log_likelihood))
        better = running & reached
        here = trial.choose(better, here)
        share = np.where(better, 1.0, share / 4)
    results.store(who, here)
    return results


def only_finite(found: Likelihood) -> Likelihood:
    """A place so far off that a number overflows is worse than any other, and no place to go on from."""
    sound = np.isfinite(found.value) & np.isfinite(found.gradient).all(axis=1) & np.isfinite(found.hessian).all((1, 2))
    return Likelihood(
        np.where(sound, found.value, -np.inf),
        np.where(sound[:, None], found.gradient, 0.0),
        np.where(sound[:, None, None], found.hessian, -np.eye(found.gradient.shape[1])),
    )


def newton_direction(
    right: np.ndarray, hessian: np.ndarray, still: np.ndarray, *, least: float, by_cholesky: bool
) -> np.ndarray:
    """Solve (−hessian)·x = right with every curvature made positive.

    Args:
        right: (analytes, p), the gradient for Newton's direction.
        hessian: (analytes, p, p).
        still: (analytes, p) parameters that stand still.
        least: curvature of a parameter of its own below which it counts as this much.
        by_cholesky: try Cholesky's method first, and eigenvalues only where the curvature is not positive. It is the
            cheaper way for hundreds of analytes with many parameters, and the dearer one for a few. The model decides,
            not the batch, whose size may not change a bit.

    Returns:
        x (analytes, p), 0 for parameters that stand still.
    """
    scaled, size = _scaled_curvature(hessian, still, least)
    right = np.where(still, 0.0, right) * size
    if by_cholesky:
        solution, definite = _cholesky_solve(scaled, right)
        rest = ~definite
        if rest.any():
            solution[rest] = _eigenvalue_solve(scaled[rest], right[rest])
    else:
        solution = _eigenvalue_solve(scaled, right)
    return np.where(still, 0.0, solution * size)


def _scaled_curvature(hessian: np.ndarray, still: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray]:
    """−hessian with a diagonal of ±1, that of the identity where parameters stand still, and the factors that do it."""
    moving = ~still
    diagonal = np.where(moving, np.abs(np.einsum("aii->ai", hessian)), 1.0)
    size = 1 / np.sqrt(np.maximum(diagonal, least))
    curvature = np.where(moving[:, :, None] & moving[:, None, :], -hessian, 0.0) * size[:, :, None] * size[:, None, :]
    return curvature + np.eye(hessian.shape[1]) * still[:, :, None], size


def _eigenvalue_solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solutions (analytes, p) with the sizes of the eigenvalues for the eigenvalues, none of them too small."""
    values, vectors = np.linalg.eigh(matrix)
    values = np.maximum(np.abs(values), FLATTEST)
    along = (vectors.transpose(0, 2, 1) @ right[:, :, None]) / values[:, :, None]
    return (vectors @ along)[:, :, 0]


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
