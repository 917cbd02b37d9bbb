"""What are the mean and the spread of values of which some are only known to lie below or above a limit?"""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

MOST_ROUNDS = 2000
SMALLEST_SD = 1e-9  # keeps a group of equal numbers from dividing by zero


def censored_moments(
    lower: np.ndarray, upper: np.ndarray, group: np.ndarray, groups: int, tolerance: float = 1e-10
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count, mean and sum of squares about the mean of normal samples with non-detects, by maximum likelihood.

    `lower`, `upper` (n,): the ends of each value's interval, equal for a number, one of them infinite for a non-detect;
    `group` (n,) numbers from 0 to `groups` − 1. EM (Dempster, Laird & Rubin 1977): a non-detect enters with its
    expected value and variance given the limit. Returns three arrays (groups,); without non-detects they are the plain
    count, mean and sum of squares. Not to be used where most values of a group are non-detects.
    """
    number = lower == upper
    below = ~np.isfinite(lower)
    limit = np.where(below, upper, lower)
    count = np.bincount(group, minlength=groups).astype(float)

    def moments(value: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(invalid="ignore"):
            mean = np.bincount(group, value, groups) / count
        return mean, np.bincount(group, (value - mean[group]) ** 2 + spread, groups)

    nothing = np.zeros(len(limit))
    mean, squares = moments(limit, nothing)
    side = np.where(below, 1.0, -1.0)[~number]  # an upper limit is the mirror image of a lower one
    at, of = limit[~number], group[~number]
    value, spread = limit.copy(), nothing.copy()
    for _ in range(MOST_ROUNDS if len(at) else 0):
        sd = np.maximum(np.sqrt(squares[of] / count[of]), SMALLEST_SD)
        standard = side * (at - mean[of]) / sd
        hazard = np.exp(norm.logpdf(standard) - norm.logcdf(standard))
        value[~number] = mean[of] - side * sd * hazard
        spread[~number] = sd**2 * np.clip(1 - standard * hazard - hazard**2, 0.0, 1.0)
        new_mean, new_squares = moments(value, spread)
        change = max(np.nanmax(np.abs(new_mean - mean)), np.nanmax(np.abs(new_squares - squares)))
        mean, squares = new_mean, new_squares
        if change < tolerance:
            break
    return count, mean, squares
