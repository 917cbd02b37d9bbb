"""How much more do subjects differ than their visits? The restricted likelihood of that ratio, from group sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cytoshift.shift.mixed.mixed_basis import Basis, take_pattern

# Ratios are searched on log(1 + ratio); at the end of this range values within a subject do not differ at all.
LARGEST = 25.0
STARTS = (0.0, 0.2, 0.6, 1.2, 2.0, 3.0, 4.5, 7.0, 10.0, 15.0)
# With two ratios a valley may run between the axes: a finer net, searched from its best point and its best inner one.
SECOND_STARTS = (0.0, 0.3, 0.8, 1.5, 2.3, 3.2, 4.5)
STEPS, HALVINGS = 60, 12
CONVERGED = 1e-11


@dataclass(frozen=True)
class GroupSums:
    """Cross-products of [plates, basis, residual] for each feature, features along the last axis.

    `within` (c, c, features): of deviations from the subject's mean; `between` (levels, c, c, features): of the means
    of subjects with `level` (levels,) values; `counts` (levels, features): how many such subjects. The first `grouped`
    columns are the indicators of a second random effect, the last is the residual. `df` (features,) multiplies the
    logarithm of the residual sum: values less coefficients (REML, `restricted`) or values (ML).
    """

    within: np.ndarray
    between: np.ndarray
    level: np.ndarray
    counts: np.ndarray
    grouped: int
    df: np.ndarray
    restricted: bool


@dataclass(frozen=True)
class Profile:
    """The deviance at given ratios with its derivatives in each ratio, and the fit there; features along the last axis.

    `inverse` (c − 1, c − 1, features) is of the coefficients' cross-product, `slopes` its derivatives' middle factor:
    d inverse = −inverse · slope · inverse. `coefficient` (c − 1, features); `square` the weighted residual sum, with
    derivatives `squares` (ratios, features).
    """

    deviance: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray
    inverse: np.ndarray
    slopes: list[np.ndarray]
    coefficient: np.ndarray
    square: np.ndarray
    squares: np.ndarray


def group_sums(basis: Basis, subject: np.ndarray, grouping: np.ndarray, *, restricted: bool) -> GroupSums:
    """The sums of features on their basis, samples in the order of `subject` (samples,), codes from 0 upwards.

    `grouping` (samples,) holds the codes of a second random effect, empty without one.
    """
    starts = np.flatnonzero(np.diff(subject, prepend=-1))
    group = np.cumsum(np.diff(subject, prepend=-1) != 0) - 1
    first = np.unique(basis.pattern, return_index=True)[1]
    present = basis.present[first]
    levels = np.arange(int(grouping.max(initial=-1)) + 1)
    member = grouping[:, None] == levels if len(levels) else np.empty((len(subject), 0), dtype=bool)
    shared = np.concatenate([(present[:, :, None] & member).astype(float), basis.orthonormal], axis=2)
    size = np.add.reduceat(present.astype(float), starts, axis=1)
    divisor = np.maximum(size, 1.0)
    mean = np.add.reduceat(shared, starts, axis=1) / divisor[:, :, None]
    centred = np.where(present[:, :, None], shared - mean[:, group], 0.0)
    own_divisor = take_pattern(divisor, basis.pattern)
    own_mean = np.add.reduceat(basis.residual, starts, axis=1) / own_divisor
    own = np.where(basis.present, basis.residual - own_mean[:, group], 0.0)

    features, width = len(basis.pattern), shared.shape[2] + 1
    found = np.unique(size[size > 0]) if size.any() else np.ones(1)
    within = _bordered(centred, own, basis.pattern, np.ones((len(first), centred.shape[1])))
    # A column that says nothing new keeps the matrix invertible with a 1 of its own; its coefficient is 0.
    dropped = np.concatenate([np.zeros((len(first), len(levels)), dtype=bool), ~basis.kept], axis=1)
    diagonal = np.arange(width - 1)
    within[:, diagonal, diagonal] += take_pattern(dropped, basis.pattern)
    between = np.empty((len(found), features, width, width))
    counts = np.empty((len(found), features))
    for place, level in enumerate(found):
        there = (size == level).astype(float)
        between[place] = _bordered(mean, own_mean, basis.pattern, there)
        counts[place] = take_pattern(there.sum(axis=1), basis.pattern)
    values = basis.present.sum(axis=1)
    rank = take_pattern(basis.kept.sum(axis=1), basis.pattern)
    return GroupSums(
        within=np.ascontiguousarray(np.moveaxis(within, 0, -1)),
        between=np.ascontiguousarray(np.moveaxis(between, 1, -1)),
        level=found,
        counts=counts,
        grouped=len(levels),
        df=(values - rank if restricted else values).astype(float),
        restricted=restricted,
    )


def _bordered(shared: np.ndarray, own: np.ndarray, pattern: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted cross-products (features, c, c) of [shared, own] over rows; `weight` (patterns, rows)."""
    weighted = (shared * weight[:, :, None]).transpose(0, 2, 1)
    product = np.empty((len(own), shared.shape[2] + 1, shared.shape[2] + 1))
    product[:, :-1, :-1] = take_pattern(np.matmul(weighted, shared), pattern)
    product[:, :-1, -1] = np.matmul(take_pattern(weighted, pattern), own[:, :, None])[:, :, 0]
    product[:, -1, :-1] = product[:, :-1, -1]
    product[:, -1, -1] = (own**2 * take_pattern(weight, pattern)).sum(axis=1)
    return product


def profile(sums: GroupSums, ratios: np.ndarray) -> Profile:
    """The deviance profiled over coefficients and residual variance, at `ratios` (1 or 2, features).

    With subjects' ratio λ, a subject of n values contributes log(1 + nλ) to the log-determinant and its mean has the
    weight n/(1 + nλ); the second effect's indicators are coefficients shrunk by its own ratio (Henderson's equations),
    their rows multiplied by it so that a ratio of 0 is regular. Everything is a polynomial in the second ratio and a
    short sum in the first, so derivatives are exact.
    """
    share = _share(sums, ratios[0])
    log_determinant = (sums.counts * np.log1p(sums.level[:, None] * ratios[0])).sum(axis=0)
    own_slope = (sums.counts * share).sum(axis=0)
    own_curve = -(sums.counts * share**2).sum(axis=0)
    cross = [sums.within + _mix(share, sums.between), -_mix(share**2, sums.between), _mix(2 * share**3, sums.between)]
    matrix, slopes, curves = cross[0], [cross[1]], {(0, 0): cross[2]}
    if sums.grouped:
        scale, rows, unit = _second_effect(sums, ratios[1])
        matrix = scale * cross[0] + unit
        slopes = [scale * cross[1], rows * cross[0]]
        curves = {(0, 0): scale * cross[2], (0, 1): rows * cross[1], (1, 1): np.zeros_like(matrix)}
    return _derivatives(sums, matrix, slopes, curves, log_determinant, own_slope, own_curve)


def deviance_of(sums: GroupSums, ratios: np.ndarray) -> np.ndarray:
    """The deviance of `profile` alone (features,), by elimination."""
    matrix = sums.within + _mix(_share(sums, ratios[0]), sums.between)
    if sums.grouped:
        scale, _, unit = _second_effect(sums, ratios[1])
        matrix = scale * matrix + unit
    total = (sums.counts * np.log1p(sums.level[:, None] * ratios[0])).sum(axis=0)
    for pivot in range(len(matrix) - 1):
        divisor = matrix[0, 0]
        if sums.restricted or pivot < sums.grouped:
            total += np.log(divisor)
        matrix = matrix[1:, 1:] - matrix[1:, :1] * (matrix[:1, 1:] / divisor)
    return total + sums.df * np.log(matrix[0, 0])


def _share(sums: GroupSums, ratio: np.ndarray) -> np.ndarray:
    return sums.level[:, None] / (1 + sums.level[:, None] * ratio)


def _second_effect(sums: GroupSums, ratio: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the rows of its indicators are multiplied by, which rows they are, and what is added to the matrix."""
    rows = (np.arange(len(sums.within)) < sums.grouped).astype(float)
    return np.where(rows[:, None, None] > 0, ratio, 1.0), rows[:, None, None], np.diag(rows)[:, :, None]


def _mix(weight: np.ndarray, between: np.ndarray) -> np.ndarray:
    total = weight[0] * between[0]
    for level in range(1, len(weight)):
        total += weight[level] * between[level]
    return total


def _derivatives(
    sums: GroupSums,
    matrix: np.ndarray,
    slopes: list[np.ndarray],
    curves: dict[tuple[int, int], np.ndarray],
    log_determinant: np.ndarray,
    own_slope: np.ndarray,
    own_curve: np.ndarray,
) -> Profile:
    # With ML only the second effect's block belongs to the determinant; REML adds the coefficients'.
    swept, plate_log = _sweep(matrix.copy(), sums.grouped)
    plate_inverse = swept[: sums.grouped, : sums.grouped].copy()
    swept, rest_log = _sweep(swept, swept.shape[0] - 1, sums.grouped)
    inverse, square = swept[:-1, :-1], swept[-1, -1]
    right = np.concatenate([-swept[:-1, -1], np.ones((1, square.size))])
    left = np.concatenate([swept[-1, :-1], np.ones((1, square.size))])
    judged, held = (inverse, -1) if sums.restricted else (plate_inverse, sums.grouped)
    log_determinant = log_determinant + plate_log + (rest_log if sums.restricted else 0.0)
    count = len(slopes)
    after = [np.einsum("abf,bf->af", slope, right) for slope in slopes]
    before = [np.einsum("af,abf->bf", left, slope) for slope in slopes]
    turned = [np.einsum("abf,bcf->acf", judged, slope[:held, :held]) for slope in slopes]
    reach = [np.einsum("abf,bf->af", inverse, part[:-1]) for part in after]
    square_slope = np.stack([np.einsum("af,af->f", left, part) for part in after])
    log_slope = np.stack([np.einsum("aaf->f", part) for part in turned])
    log_slope[0] += own_slope
    gradient = log_slope + sums.df * square_slope / square
    hessian = np.empty((count, count, square.size))
    for (i, j), curve in curves.items():
        log_curve = np.einsum("abf,baf->f", judged, curve[:held, :held]) - np.einsum("abf,baf->f", turned[i], turned[j])
        square_curve = np.einsum("af,abf,bf->f", left, curve, right)
        for one, other in ((i, j), (j, i)):
            square_curve = square_curve - np.einsum("af,af->f", before[one][:-1], reach[other])
        pull = sums.df * (square_curve / square - square_slope[i] * square_slope[j] / square**2)
        hessian[i, j] = hessian[j, i] = log_curve + pull + (own_curve if i == j == 0 else 0.0)
    return Profile(
        deviance=log_determinant + sums.df * np.log(square),
        gradient=gradient,
        hessian=hessian,
        inverse=inverse,
        slopes=[slope[:-1, :-1] for slope in slopes],
        coefficient=-right[:-1],
        square=square,
        squares=square_slope,
    )


def _sweep(matrix: np.ndarray, stop: int, start: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Gauss–Jordan on the columns from `start` to `stop`, in place: inverse, solution and Schur complement at once."""
    log_determinant = np.zeros(matrix.shape[-1])
    for pivot in range(start, stop):
        divisor = matrix[pivot, pivot].copy()
        row, column = matrix[pivot] / divisor, matrix[:, pivot].copy()
        matrix -= column[:, None] * row
        matrix[pivot], matrix[:, pivot] = row, -column / divisor
        matrix[pivot, pivot] = 1 / divisor
        log_determinant += np.log(divisor)
    return matrix, log_determinant


def best_ratios(sums: GroupSums) -> tuple[np.ndarray, np.ndarray]:
    """The ratios (1 or 2, features) of least deviance, each at least 0, and which searches came to rest (features,).

    The best of fixed starting points, then Newton's method on log(1 + ratio), kept at or above 0 and halved until the
    deviance does not rise; a feature at rest is not moved again, so its answer does not depend on its neighbours.
    """
    if not sums.grouped:
        place, rest, _ = _search(sums, _best_start(sums, [(one,) for one in STARTS]))
        return np.expm1(place), rest
    points = [(one, other) for one in STARTS for other in SECOND_STARTS]
    place, rest, height = _search(sums, _best_start(sums, points))
    inner = _search(sums, _best_start(sums, [point for point in points if min(point) > 0]))
    lower = inner[2] < height - 1e-10 * (1 + np.abs(height))
    return np.expm1(np.where(lower, inner[0], place)), np.where(lower, inner[1], rest)


def _best_start(sums: GroupSums, points: Sequence[tuple[float, ...]]) -> np.ndarray:
    features = sums.df.size
    place, lowest = np.zeros((len(points[0]), features)), np.full(features, np.inf)
    for point in points:
        there = np.broadcast_to(np.array(point)[:, None], place.shape)
        height = deviance_of(sums, np.expm1(there))
        better = height < lowest
        place, lowest = np.where(better, there, place), np.where(better, height, lowest)
    return place


def _search(sums: GroupSums, place: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where each search came to rest on log(1 + ratio), whether it did, and the deviance there."""
    rest = np.zeros(sums.df.size, dtype=bool)
    for _ in range(STEPS):
        step, current = _newton_step(sums, place)
        moved = np.clip(place + step, 0.0, LARGEST)
        room = 1e-10 * (1 + np.abs(current))
        for _ in range(HALVINGS):
            worse = ~rest & ~(deviance_of(sums, np.expm1(moved)) <= current + room)
            if not worse.any():
                break
            moved = np.where(worse, (place + moved) / 2, moved)
        done = np.abs(moved - place).max(axis=0) <= CONVERGED * (1 + place.max(axis=0))
        place = np.where(rest, place, moved)
        rest = rest | done
        if rest.all():
            break
    return place, rest, deviance_of(sums, np.expm1(place))


def _newton_step(sums: GroupSums, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Newton's step on log(1 + ratio), with coordinates at 0 that want to fall below it held; and the deviance."""
    here = profile(sums, np.expm1(place))
    stretch = np.exp(place)
    gradient = here.gradient * stretch
    hessian = here.hessian * stretch[:, None] * stretch[None, :]
    held = (place <= 0) & (gradient >= 0)
    curved = np.stack([hessian[i, i] + gradient[i] for i in range(len(place))])
    # Where the surface bends downwards, or there is one coordinate left: its own slope over its own curvature.
    single = -gradient / np.where(np.abs(curved) > 0, np.abs(curved), 1.0)
    step = np.clip(single, -1.5, 1.5)
    if len(place) == 2:
        cross = hessian[0, 1]
        determinant = curved[0] * curved[1] - cross**2
        both = ~held.any(axis=0) & (curved[0] > 0) & (determinant > 0)
        safe = np.where(both, determinant, 1.0)
        joint = (
            -np.stack([curved[1] * gradient[0] - cross * gradient[1], curved[0] * gradient[1] - cross * gradient[0]])
            / safe
        )
        step = np.where(both, np.clip(joint, -1.5, 1.5), step)
    return np.where(held, 0.0, step), here.deviance
