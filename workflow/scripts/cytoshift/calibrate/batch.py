"""How are thousands of small curves fitted at once, so that each gets the answer it would get alone?

Arrays run wells first, (n, K): sums over wells are then taken row by row, so neither padding nor the company of other
curves changes a bit. The 5 × 5 systems are solved by Cholesky written out over the curves: no BLAS, no threads.
"""

from dataclasses import dataclass

import numpy as np

from cytoshift.calibrate.curve import log_signal_gradient

SIZE = 5
# Working parameters move at most e^2-fold in a step: far starts do not jump onto the flat ends.
LARGEST_STEP = 2.0
SMALLEST_DAMPING, LARGEST_DAMPING = 1e-12, 1e14
# A fit is finished when three accepted steps in a row, or one undamped step, gain less than this share of the SSE.
GAIN = 1e-13
# Squared relative error of data that lie on a curve: nothing is left to gain.
EXACT = 1e-26


@dataclass(frozen=True)
class Wells:
    """Standards of K curves, shape (n, K): natural logs, weight 0 where there is no well; log_x −inf for a blank."""

    log_x: np.ndarray
    log_y: np.ndarray
    weight: np.ndarray

    def take(self, curve: np.ndarray) -> "Wells":
        """The wells of some curves, in that order."""
        return Wells(*(np.ascontiguousarray(part[:, curve]) for part in (self.log_x, self.log_y, self.weight)))


@dataclass(frozen=True)
class Box:
    """Smallest and largest working parameters, shape (5, K); equal where a parameter is held."""

    low: np.ndarray
    high: np.ndarray

    def take(self, curve: np.ndarray) -> "Box":
        """The boxes of some curves, in that order."""
        return Box(self.low[:, curve], self.high[:, curve])


@dataclass(frozen=True)
class Point:
    """Where K fits stand: working parameters (5, K), SSE (K,), information (5, 5, K) and gradient (5, K)."""

    logs: np.ndarray
    sse: np.ndarray
    information: np.ndarray
    gradient: np.ndarray


def sum_wells(values: np.ndarray) -> np.ndarray:
    """Sums over the first axis, row after row: numpy sums a lone or a strided column in pairs, which changes bits."""
    values = np.ascontiguousarray(values)
    return np.add.accumulate(values, axis=0)[-1] if values.shape[-1] == 1 else values.sum(axis=0)


def evaluate(wells: Wells, logs: np.ndarray) -> Point:
    """Weighted SSE on ln signal at working parameters (5, K), with J'WJ and J'Wr."""
    fitted, derivatives = log_signal_gradient(wells.log_x, list(logs))
    residual = np.where(wells.weight > 0, wells.log_y - fitted, 0.0)
    weighted = wells.weight * residual
    information = np.empty((SIZE, SIZE, logs.shape[1]))
    gradient = np.empty((SIZE, logs.shape[1]))
    for row in range(SIZE):
        scaled = wells.weight * derivatives[row]
        gradient[row] = sum_wells(derivatives[row] * weighted)
        for column in range(row + 1):
            information[row, column] = information[column, row] = sum_wells(scaled * derivatives[column])
    return Point(logs, sum_wells(weighted * residual), information, gradient)


def fit(wells: Wells, start: np.ndarray, box: Box, iterations: int) -> Point:
    """Levenberg–Marquardt inside a box, for all curves of `wells` from `start`, shape (5, K), at once.

    Marquardt's scaling by the diagonal, damping after Nielsen (1999), parameters at a face of the box held while the
    gradient points outwards. Each curve stops by itself. Returns the best point of each curve.
    """
    count = start.shape[1]
    best = evaluate(wells, np.clip(start, box.low, box.high))
    total = sum_wells(wells.weight * np.square(wells.log_y))
    state = _State(wells, box, best, np.full(count, 1e-2), np.full(count, 2.0), np.zeros(count, dtype=int), total)
    index = np.arange(count)
    for _ in range(iterations):
        finished = state.advance()
        if not finished.any():
            continue
        _put(best, index[finished], take(state.point, finished))
        index = index[~finished]
        if len(index) == 0:
            return best
        state = state.take(np.flatnonzero(~finished))
    _put(best, index, state.point)
    return best


@dataclass
class _State:
    wells: Wells
    box: Box
    point: Point
    damping: np.ndarray
    growth: np.ndarray
    idle: np.ndarray
    total: np.ndarray

    def take(self, curve: np.ndarray) -> "_State":
        return _State(
            self.wells.take(curve), self.box.take(curve), take(self.point, curve),
            self.damping[curve], self.growth[curve], self.idle[curve], self.total[curve],
        )  # fmt: skip

    def advance(self) -> np.ndarray:
        """One step of every curve; returns which are finished."""
        here, box = self.point, self.box
        outwards = ((here.logs <= box.low) & (here.gradient < 0)) | ((here.logs >= box.high) & (here.gradient > 0))
        free = ~outwards & (box.low < box.high)
        step = solve(here.information, here.gradient, free, self.damping)
        longest = np.abs(step).max(axis=0)
        step *= np.minimum(1.0, LARGEST_STEP / np.maximum(longest, 1e-300))
        there = evaluate(self.wells, np.clip(here.logs + step, box.low, box.high))
        moved = there.logs - here.logs
        gain = here.sse - there.sse
        expected = sum_wells(moved * (2 * here.gradient - multiply(here.information, moved)))
        accepted = gain > 0
        ratio = np.where(accepted, gain / np.where(expected > 0, expected, np.inf), 0.0)
        shrink = np.maximum(1 / 3, 1 - np.power(2 * np.minimum(ratio, 1.0) - 1, 3))
        undamped = (self.damping < 1e-6) & (np.abs(expected) <= GAIN * here.sse) & (longest < LARGEST_STEP)
        slow = accepted & (gain <= GAIN * here.sse)
        self.idle = np.where(slow, self.idle + 1, np.where(accepted, 0, self.idle))
        self.damping = np.where(
            accepted, np.maximum(self.damping * shrink, SMALLEST_DAMPING), self.damping * self.growth
        )
        self.growth = np.where(accepted, 2.0, self.growth * 2)
        self.point = _choose(accepted, there, here)
        exact = self.point.sse <= EXACT * self.total
        stuck = (self.damping > LARGEST_DAMPING) | (longest < 1e-14)
        return undamped | exact | stuck | (self.idle >= 3)


def solve(information: np.ndarray, gradient: np.ndarray, free: np.ndarray, damping: np.ndarray) -> np.ndarray:
    """(information + damping × its diagonal) step = gradient over the `free` parameters, others 0; shape (5, K)."""
    scale, scaled = _scaled(information, free)
    for row in range(SIZE):
        scaled[row, row] += np.where(free[row], damping, 0.0)
    factor = _cholesky(scaled)
    forward: list[np.ndarray] = []
    for row in range(SIZE):
        value = gradient[row] * scale[row]
        for column in range(row):
            value = value - factor[row][column] * forward[column]
        forward.append(value / factor[row][row])
    step = np.zeros_like(gradient)
    for row in reversed(range(SIZE)):
        value = forward[row]
        for later in range(row + 1, SIZE):
            value = value - factor[later][row] * step[later]
        step[row] = value / factor[row][row]
    return step * scale


def invert(information: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Inverse of the information over the `free` parameters, rows and columns of the others 0; shape (5, 5, K)."""
    none = np.zeros(information.shape[2])
    columns = []
    for column in range(SIZE):
        unit = np.zeros(information.shape[1:])
        unit[column] = np.where(free[column], 1.0, 0.0)
        columns.append(solve(information, unit, free, none))
    inverse = np.stack(columns, axis=1)
    return (inverse + np.swapaxes(inverse, 0, 1)) / 2


def condition(information: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Condition number, shape (K,), of the information scaled to a unit diagonal, over the `free` parameters."""
    _, scaled = _scaled(information, free)
    values = np.linalg.eigvalsh(np.moveaxis(scaled, 2, 0))
    return values[:, -1] / np.maximum(values[:, 0], np.finfo(float).eps * values[:, -1])


def multiply(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Matrices (5, 5, K) times vectors (5, K)."""
    return sum_wells(np.moveaxis(matrix, 1, 0) * vector[:, None])


def _scaled(information: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    diagonal = np.stack([information[row, row] for row in range(SIZE)])
    usable = free & (diagonal > 0)
    scale = np.where(usable, 1 / np.sqrt(np.where(usable, diagonal, 1.0)), 0.0)
    scaled = information * scale[:, None] * scale[None, :]
    for row in range(SIZE):
        scaled[row, row] = 1.0
    return scale, scaled


def _cholesky(matrix: np.ndarray) -> list[list[np.ndarray]]:
    """Lower factors of matrices (5, 5, K) with unit diagonal; a pivot lost to rounding is held at rounding size."""
    factor: list[list[np.ndarray]] = []
    for row in range(SIZE):
        factor.append([])
        for column in range(row + 1):
            value = matrix[row, column]
            for before in range(column):
                value = value - factor[row][before] * factor[column][before]
            if column < row:
                factor[row].append(value / factor[column][column])
            else:
                factor[row].append(np.sqrt(np.maximum(value, 1e-15)))
    return factor


def take(point: Point, curve: np.ndarray) -> Point:
    """The points of some curves, in that order."""
    return Point(*(np.ascontiguousarray(part[..., curve]) for part in vars(point).values()))


def _choose(first: np.ndarray, yes: Point, no: Point) -> Point:
    return Point(
        *(np.where(first, one, other) for one, other in zip(vars(yes).values(), vars(no).values(), strict=True))
    )


def _put(target: Point, curve: np.ndarray, source: Point) -> None:
    for into, part in zip(vars(target).values(), vars(source).values(), strict=True):
        into[..., curve] = part
