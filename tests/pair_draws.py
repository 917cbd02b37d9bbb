"""Pairs with non-detects drawn at random, for tests of the censored pair model."""

import numpy as np
from scipy import stats

from cytoshift.shift.censoring.pair_bounds import PairBounds, pair_bounds


def draw_pairs(
    n: int,
    analytes: int,
    *,
    below: float = 0.3,
    above: float = 0.0,
    differ: float = 0.0,
    bands: float = 0.0,
    shift: float = 0.0,
    rho: float = 0.6,
    seed: int = 1,
) -> PairBounds:
    """Bivariate normal pairs (n, analytes), a share of them beyond limits that vary by `differ` SD between members.

    `bands` is the share of the other values known only to lie in a finite interval.
    """
    rng = np.random.default_rng(seed)
    values = rng.multivariate_normal([0, shift], [[1, rho], [rho, 1]], size=(n, analytes)).transpose(2, 0, 1)
    floor = stats.norm.ppf(below) + differ * rng.normal(size=values.shape)
    ceiling = stats.norm.isf(above)
    lower, upper = values.copy(), values.copy()
    banded = rng.random(values.shape) < bands
    lower, upper = np.where(banded, lower - 0.3, lower), np.where(banded, upper + 0.2, upper)
    low, high = values < floor, values > ceiling
    lower, upper = np.where(low, -np.inf, lower), np.where(low, floor, upper)
    lower, upper = np.where(high, ceiling, lower), np.where(high, np.inf, upper)
    return pair_bounds(lower[0], upper[0], lower[1], upper[1])


def known_pairs(reference: np.ndarray, target: np.ndarray) -> PairBounds:
    """Pairs without non-detects; NaN where a value is missing."""
    return pair_bounds(reference, reference, target, target)
