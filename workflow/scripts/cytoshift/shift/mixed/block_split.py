"""Which independent squares tell how much blocks differ from how much samples within them do?"""

from dataclasses import dataclass

import numpy as np

from cytoshift.shift.estimates import ROUNDING
from cytoshift.shift.mixed.mixed_basis import take_pattern

# Directions in which blocks reach no farther than this are rounding: a block has a length of at least 1.
NO_SIZE = 1e-8
# Columns of unit length that add less than this share of the largest are rounding.
NO_COLUMN = 1e-10
# Variances of fitted values below this share of the largest do not pull harder.
SMALLEST_WEIGHT = 1e-3
DAMPED_OUT = 1e15


@dataclass(frozen=True)
class VarianceSplit:
    """Independent squares of what the design leaves, features first; each has the mean σ² + σ_b²·size.

    `size`, `square` and `weight` have shape (features, blocks + 1): the last holds the mean of all squares of size 0,
    and `weight` how many squares an entry stands for (0: none). `blocks_left` (features,) counts the others; `possible`
    (features,) says whether values and blocks are enough for two variances.
    """

    size: np.ndarray
    square: np.ndarray
    weight: np.ndarray
    blocks_left: np.ndarray
    possible: np.ndarray


@dataclass(frozen=True)
class Patterns:
    """Features that miss the same samples: `pattern` (features,) of each, `present` (patterns, samples)."""

    pattern: np.ndarray
    present: np.ndarray


def patterns_of(values: np.ndarray) -> Patterns:
    """The patterns of missing values of `values` (samples, features)."""
    present = ~np.isnan(values.T)
    _, first, pattern = np.unique(np.packbits(present, axis=1), axis=0, return_index=True, return_inverse=True)
    return Patterns(pattern.reshape(-1), present[first])


def row_space(design: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Singular value decomposition of designs (patterns, samples, q) with columns scaled to unit length.

    Returns the left vectors (patterns, samples, q), 0 where a direction is rounding; the map from them to coefficients
    (patterns, q, q), so that coefficients = map · left' · values; and the projection of contrasts on what can be
    estimated (patterns, q, q).
    """
    length = np.sqrt((design**2).sum(axis=1))
    length = np.where(length > 0, length, 1.0)
    left, spread, right = np.linalg.svd(design / length[:, None], full_matrices=False)
    kept = spread > NO_COLUMN * spread.max(axis=1, keepdims=True, initial=0.0)
    left = left * kept[:, None]
    right = right * kept[:, :, None]
    inverse = np.where(kept, 1 / np.where(kept, spread, 1.0), 0.0)
    back = right.transpose(0, 2, 1) * inverse[:, None] / length[:, :, None]
    # A contrast c is estimable where c/length lies in the rows' space.
    reach = (right.transpose(0, 2, 1) @ right) * (length[:, None] / length[:, :, None])
    return left, back, reach


def less_projection(left: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values (…, samples, k) less their projection on orthonormal columns; twice, for the rounding of the first."""
    for _ in range(2):
        values = values - left @ (left.transpose(0, 2, 1) @ values)
    return values


def variance_split(values: np.ndarray, design: np.ndarray, member: np.ndarray) -> VarianceSplit:
    """The squares of `values` (samples, features) under `design` (samples, q) and `member` (samples, blocks)."""
    patterns = patterns_of(values)
    present = patterns.present[:, :, None]
    left = row_space(np.where(present, design, 0.0))[0]
    reach = less_projection(left, np.where(present, member, 0.0))
    size, turn = np.linalg.eigh(reach.transpose(0, 2, 1) @ reach)
    there = size > NO_SIZE
    direction = (reach @ turn) * np.where(there, 1 / np.sqrt(np.where(there, size, 1.0)), 0.0)[:, None]
    pattern = patterns.pattern
    response = np.where(np.isnan(values), 0.0, values).T[:, :, None]
    rest = less_projection(take_pattern(left, pattern), response)
    # What the design leaves of equal values is rounding and says nothing about blocks.
    varies = np.abs(rest).max(axis=(1, 2), initial=0.0) > ROUNDING * np.abs(response).max(axis=(1, 2), initial=0.0)
    own = take_pattern(direction, pattern)
    score = own.transpose(0, 2, 1) @ rest
    rest = (rest - own @ score)[:, :, 0]
    count = patterns.present.sum(axis=1)
    blocks = ((patterns.present.astype(float) @ member) > 0).sum(axis=1)
    rank = (left**2).sum(axis=(1, 2)).round().astype(int)
    spare = count - rank - there.sum(axis=1)
    enough = (count > design.shape[1] + 2) & (blocks > 1) & (blocks < count - 1)
    alone = np.maximum(spare, 0)[pattern]
    last = np.where(alone > 0, (rest**2).sum(axis=1) / np.maximum(alone, 1), 0.0)
    return VarianceSplit(
        size=np.concatenate([np.where(there, size, 0.0)[pattern], np.zeros((len(pattern), 1))], axis=1),
        square=np.concatenate([np.where(there[pattern], score[:, :, 0] ** 2, 0.0), last[:, None]], axis=1),
        weight=np.concatenate([there[pattern].astype(float), alone[:, None].astype(float)], axis=1),
        blocks_left=there.sum(axis=1)[pattern],
        possible=enough[pattern] & varies,
    )


def block_correlation(split: VarianceSplit, still_to_fall: float, steps: int) -> np.ndarray:
    """ρ = σ_b²/(σ_b² + σ²) of each feature by REML, NaN where it has none; (features,).

    The search stops when the deviance can fall by no more than `still_to_fall`, or after so many `steps`.
    """
    weight, size, square = split.weight, split.size, split.square
    count = weight.sum(axis=1)
    divisor = np.maximum(count, 1.0)
    mean_size = (weight * size).sum(axis=1) / divisor
    mean_square = (weight * square).sum(axis=1) / divisor
    apart = weight * (size - mean_size[:, None])
    spread = (apart * size).sum(axis=1)
    possible = split.possible & (spread > 1e-10) & (mean_square > 0)
    slope = (apart * square).sum(axis=1) / np.where(possible, spread, 1.0)
    # Least squares is the answer itself where sizes take two values only; elsewhere it is where the search starts.
    start = np.stack([mean_square - slope * mean_size, slope], axis=1)
    searched = possible & (count > 2) & (split.blocks_left > 1) & (spread / np.maximum(count - 1, 1) > 1e-15)
    fitted = start[:, :1] + start[:, 1:] * size
    sound = ((fitted >= 0) | (weight == 0)).all(axis=1)
    level = np.stack([mean_square, np.zeros_like(mean_square)], axis=1)
    start = np.where((sound | ~searched)[:, None], start, level)
    start[searched] = _fit_gamma(
        start[searched], weight[searched], size[searched], square[searched], still_to_fall, steps
    )
    total = start.sum(axis=1)
    return np.where(possible & (total != 0), start[:, 1] / np.where(total != 0, total, 1.0), np.nan)


def _fit_gamma(
    beta: np.ndarray, weight: np.ndarray, size: np.ndarray, square: np.ndarray, still_to_fall: float, steps: int
) -> np.ndarray:
    """The two variances of each feature by damped Fisher scoring: squares are gamma with mean β₀ + β₁·size.

    Step for step statmod's glmgam.fit (Levenberg's damping, doubled until the deviance does not rise), so that a
    search stopped early stops at the same place.
    """
    beta = beta.copy()
    mean = beta[:, :1] + beta[:, 1:] * size
    height = _gamma_deviance(mean, weight, square)
    active = np.ones(len(beta), dtype=bool)
    damping = np.zeros(len(beta))
    for step in range(steps + 1):
        variance = np.where(weight > 0, mean**2, 0.0)
        variance = np.maximum(variance, variance.max(axis=1, keepdims=True) * SMALLEST_WEIGHT)
        pull = weight / variance
        first, cross, second = (pull.sum(axis=1), (pull * size).sum(axis=1), (pull * size**2).sum(axis=1))
        slope = np.stack([(pull * (square - mean)).sum(axis=1), (pull * size * (square - mean)).sum(axis=1)], axis=1)
        if step == 0:
            damping = (first + second) / 4
        pending, tried = active.copy(), 0
        moved, gave_up = np.zeros_like(beta), np.zeros(len(beta), dtype=bool)
        while pending.any():
            tried += 1
            one, other = first + damping, second + damping
            determinant = one * other - cross**2
            move = np.stack(
                [other * slope[:, 0] - cross * slope[:, 1], one * slope[:, 1] - cross * slope[:, 0]], axis=1
            )
            move /= determinant[:, None]
            trial = beta + move
            there = trial[:, :1] + trial[:, 1:] * size
            lower = _gamma_deviance(there, weight, square)
            done = pending & (lower <= height)
            gave_up |= pending & ~done & (damping > DAMPED_OUT * np.maximum(first, second))
            beta, height = np.where(done[:, None], trial, beta), np.where(done, lower, height)
            mean, moved = np.where(done[:, None], there, mean), np.where(done[:, None], move, moved)
            pending &= ~done & ~gave_up
            damping = np.where(pending, 2 * damping, damping)
            if tried == 1:
                damping = np.where(done, damping / 10, damping)
        active &= ~gave_up & ((slope * moved).sum(axis=1) >= still_to_fall)
        if not active.any():
            break
    return beta


def _gamma_deviance(mean: np.ndarray, weight: np.ndarray, square: np.ndarray) -> np.ndarray:
    """The deviance up to a constant; infinite where a mean that counts is not positive."""
    counts = weight > 0
    safe = np.where(counts & (mean > 0), mean, 1.0)
    total = 2 * (weight * (square / safe + np.log(safe))).sum(axis=1)
    return np.where((counts & ~(mean > 0)).any(axis=1), np.inf, total)
