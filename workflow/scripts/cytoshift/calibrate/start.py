"""Where does the search for a standard curve begin, so that it ends at the best one?

Several rough curves per analyte: guesses of the asymptotes and the asymmetry, each completed by a straight line
through the logits of the standards. None needs to be good; together they reach every valley seen in practice. A few
steps from each tell which are worth following to the end.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from cytoshift.calibrate.batch import SIZE, Box, Point, Wells, fit, sum_wells, take

# The curves considered: a down to 1e-9 of the lowest signal and d up to 1e8 of the highest (no asymptote in sight),
# slopes b and asymmetries g beyond anything an immunoassay shows.
LOWEST_A, HIGHEST_D, LOWEST_RISE = 1e-9, 1e8, 1e-4
SLOPES, ASYMMETRIES, FARTHEST_C = (0.05, 30.0), (0.02, 50.0), 500.0
# Guesses of a as a share of the lowest signal, of d as a multiple of the highest, and of g.
LOWER_4PL, UPPER_4PL = (0.97, 0.3), (1.02, 1.5, 20.0)
LOWER_5PL, UPPER_5PL, ASYMMETRY_5PL = (0.9,), (1.02, 3.0, 50.0), (0.15, 0.5, 2.0, 8.0)
# Shares of the way from a to d nearer to an asymptote than this have logits made of noise.
NEAREST = 0.003
# Steps from every start, then steps at most from the best few.
FIRST_STEPS, LAST_STEPS, FINALISTS = 8, 600, 3


@dataclass(frozen=True)
class Scaled:
    """Standards of K curves, ln concentration less `centre` (K,), ln signal less `top` (K,), their largest.

    `lower` (K,): ln of the lower asymptote on that scale where it is known, else NaN.
    """

    wells: Wells
    centre: np.ndarray
    top: np.ndarray
    lower: np.ndarray

    def take(self, curve: np.ndarray) -> "Scaled":
        """Some of the curves, in that order."""
        return Scaled(self.wells.take(curve), self.centre[curve], self.top[curve], self.lower[curve])

    def unscale(self, logs: np.ndarray) -> np.ndarray:
        """Working parameters (5, K) in the units of the data, shape (K, 5)."""
        shift = np.stack([self.top, self.top, 0 * self.top, self.centre, 0 * self.top])
        return (logs + shift).T.copy()


def scale(concentration: np.ndarray, signal: np.ndarray, weights: np.ndarray, lower: np.ndarray) -> Scaled:
    """Scale standards of shape (K, n), NaN where there is none, so that one set of starts and limits serves all."""
    present = np.isfinite(signal).T
    with np.errstate(divide="ignore"):
        log_x = np.log(np.where(present, concentration.T, 1.0))
    log_y = np.log(np.where(present, signal.T, 1.0))
    positive = present & np.isfinite(log_x)
    centre = sum_wells(np.where(positive, log_x, 0.0)) / np.maximum(positive.sum(axis=0), 1)
    top = np.where(present, log_y, -np.inf).max(axis=0)
    wells = Wells(
        np.where(present, log_x - centre, 0.0),
        np.where(present, log_y - top, 0.0),
        np.where(present, weights.T, 0.0),
    )
    lowest = np.where(present, wells.log_y, np.inf).min(axis=0)
    floor = lowest + np.log(LOWEST_A)
    with np.errstate(divide="ignore", invalid="ignore"):
        known = np.maximum(np.log(np.maximum(lower, 0.0)) - top, floor)
    return Scaled(wells, centre, top, known)


def search(scaled: Scaled, asymmetric: bool, also: np.ndarray | None = None) -> tuple[Point, Box]:
    """The best curve found from several starts, and from `also`, shape (5, K); with the box it was sought in."""
    box = _box(scaled, asymmetric)
    begin = _starts(scaled.wells, box, asymmetric)
    if also is not None:
        begin = np.concatenate([begin, np.clip(also, box.low, box.high)[None]])
    count, curves = begin.shape[0], begin.shape[2]
    each = np.tile(np.arange(curves), count)
    rough = fit(scaled.wells.take(each), _columns(begin), box.take(each), FIRST_STEPS)
    order = np.argsort(rough.sse.reshape(count, curves), axis=0, kind="stable")[:FINALISTS]
    chosen = (order * curves + np.arange(curves)).ravel()
    each = np.tile(np.arange(curves), len(order))
    final = fit(scaled.wells.take(each), rough.logs[:, chosen], box.take(each), LAST_STEPS)
    best = np.argmin(final.sse.reshape(len(order), curves), axis=0)
    return take(final, best * curves + np.arange(curves)), box


def _box(scaled: Scaled, asymmetric: bool) -> Box:
    lowest = np.where(scaled.wells.weight > 0, scaled.wells.log_y, np.inf).min(axis=0)
    known, one = np.isfinite(scaled.lower), np.ones(len(lowest))
    g = ASYMMETRIES if asymmetric else (1.0, 1.0)
    low = [np.where(known, scaled.lower, lowest + np.log(LOWEST_A)), np.log(LOWEST_RISE) * one]
    high = [np.where(known, scaled.lower, 0.0), np.log(HIGHEST_D) * one]
    low += [np.log(SLOPES[0]) * one, -FARTHEST_C * one, np.log(g[0]) * one]
    high += [np.log(SLOPES[1]) * one, FARTHEST_C * one, np.log(g[1]) * one]
    return Box(np.stack(low), np.stack(high))


def _starts(wells: Wells, box: Box, asymmetric: bool) -> np.ndarray:
    """Working parameters to start from, shape (starts, 5, K)."""
    lowest = np.where(wells.weight > 0, wells.log_y, np.inf).min(axis=0)
    sides = (LOWER_5PL, UPPER_5PL, ASYMMETRY_5PL) if asymmetric else (LOWER_4PL, UPPER_4PL, (1.0,))
    return np.stack([_complete(wells, box, lowest, *guess) for guess in product(*sides)])


def _complete(wells: Wells, box: Box, lowest: np.ndarray, lower: float, upper: float, asymmetry: float) -> np.ndarray:
    log_a = np.clip(lowest + np.log(lower), box.low[0], box.high[0])
    rise = np.maximum(upper - np.exp(log_a), 1e-3)
    share = np.clip((np.exp(wells.log_y) - np.exp(log_a)) / rise, NEAREST, 1 - NEAREST)
    logit = np.log(np.expm1(-np.log1p(-share) / asymmetry))
    weight = np.where((wells.weight > 0) & np.isfinite(wells.log_x), share * (1 - share), 0.0)
    log_x = np.where(weight > 0, wells.log_x, 0.0)
    total = np.maximum(sum_wells(weight), 1e-300)
    centre, height = sum_wells(weight * log_x) / total, sum_wells(weight * logit) / total
    spread = np.maximum(sum_wells(weight * np.square(log_x - centre)), 1e-300)
    b = np.clip(sum_wells(weight * (log_x - centre) * (logit - height)) / spread, 0.2, 8.0)
    start = np.empty((SIZE, len(log_a)))
    start[:] = log_a, np.log(rise), np.log(b), centre - height / b, np.full(len(log_a), np.log(asymmetry))
    return np.clip(start, box.low, box.high)


def _columns(begin: np.ndarray) -> np.ndarray:
    """(starts, 5, K) as (5, starts × K)."""
    return np.ascontiguousarray(np.moveaxis(begin, 1, 0).reshape(SIZE, -1))
