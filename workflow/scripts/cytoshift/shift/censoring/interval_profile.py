"""Which values of a coefficient do values known exactly or between limits still allow?

The coefficient is that of the design's last column, in standard units: the change of the standard value per unit of
what the column says beside the others, scaled to a root mean square of 1. The likelihood ratio W of n subjects becomes
t = √(ν(e^{W/n} − 1)) on ν residual degrees of freedom, which without non-detects is the t of least squares.
"""

from __future__ import annotations

import numpy as np

from cytoshift.shift.censoring.censored_profile import (
    CLOSE_ENOUGH,
    FARTHEST_LIMIT,
    ROUNDS,
    LimitSearch,
    calibrated_t,
    next_place,
)
from cytoshift.shift.censoring.interval_likelihood import IntervalData, IntervalFit, fit_intervals, scaled_information

# Information on the last column below this share of that of known values: the likelihood rises towards infinity.
NO_INFORMATION = 1e-7
# W/n beyond which e^{W/n} is no longer a number; the limit is far inside.
LARGEST_RATIO = 500.0


def last_coefficient(data: IntervalData, fit: IntervalFit) -> np.ndarray:
    """(F,) the last coefficient in standard units."""
    return fit.parameters[:, -2] / (fit.tau * np.sqrt(data.count))


def curvature_se(data: IntervalData, fit: IntervalFit) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Standard error of the last coefficient from the observed information, and where there is none.

    By the delta method from γ and τ, which at a maximum is the inverse information of β and σ. Returns (F,) standard
    errors in standard units, where the likelihood does not bend in the coefficient (the estimate is infinite), and
    where it does not bend in the spread (nothing says what it is).
    """
    size, values, vectors = scaled_information(-fit.hessian, 1e-30)
    variance = (vectors**2 / values[:, None, :]).sum(axis=2) * size**2
    flat = variance[:, -2] > 1 / NO_INFORMATION
    spreadless = variance[:, -1] > fit.tau**2 / NO_INFORMATION
    root = np.sqrt(data.count)
    slope = np.zeros(fit.parameters.shape)
    slope[:, -2] = 1 / (fit.tau * root)
    slope[:, -1] = -fit.parameters[:, -2] / (fit.tau**2 * root)
    turned = np.matmul(vectors.transpose(0, 2, 1), (slope * size)[:, :, None])[:, :, 0]
    return np.sqrt((turned**2 / values).sum(axis=1)), flat, spreadless


def profile_limit(
    data: IntervalData,
    top: np.ndarray,
    df: np.ndarray,
    quantile: np.ndarray,
    estimate: np.ndarray,
    start: np.ndarray,
    parameters: np.ndarray,
    side: int,
) -> np.ndarray:
    """The coefficient on one side of the maximum whose calibrated likelihood ratio reaches a quantile of t.

    Newton steps on t, which is linear in the coefficient where every value is known, kept inside a bracket. Because
    the likelihood is concave in γ and τ, all coefficients on this side of the limit are inside the interval.

    Args:
        data: the features.
        top: (F,) maximum of the log-likelihood, or its least upper bound.
        df: (F,) residual degrees of freedom.
        quantile: (F,) t at the limit.
        estimate: (F,) the coefficient at the maximum; NaN where it is infinite.
        start: (F,) first coefficient to try.
        parameters: (F, C) where to begin to fit the others, γ and then τ.
        side: −1 for the lower, +1 for the upper limit.

    Returns:
        (F,) limits in standard units; infinite where the ratio never gets so large.
    """
    limit = np.full(len(top), side * np.inf)
    unknown = np.full(len(top), np.nan)
    who, part = np.arange(len(top)), data
    search = LimitSearch(start.copy(), estimate, unknown, parameters.copy(), np.ones(len(top)))
    for _ in range(ROUNDS):
        if not len(who):
            break
        count, freedom, aim = part.count, df[who], quantile[who]
        fit = fit_intervals(part.without_last(search.place), search.parameters)
        ratio = np.clip(2 * (top[who] - fit.log_likelihood), 0.0, LARGEST_RATIO * count)
        size = calibrated_t(ratio, count, freedom)
        gap = aim - size
        search.inside = np.where(gap > 0, search.place, search.inside)
        search.outside = np.where(gap <= 0, search.place, search.outside)
        width = np.abs(search.outside - search.inside)
        found = (np.abs(gap) < CLOSE_ENOUGH * aim) | (width < 1e-12 * (1 + np.abs(search.place)))
        gone = np.abs(search.place) > FARTHEST_LIMIT
        limit[who[found]] = search.place[found]
        # dℓ/dδ of the constrained fit, and with it dt/dδ.
        fall = -(fit.slope * part.last).sum(axis=1) * fit.tau
        with np.errstate(divide="ignore", invalid="ignore"):
            step = gap * count * size / (freedom * np.exp(ratio / count) * fall)
        search.parameters = fit.parameters
        search.place, search.stride = next_place(search, step, gap, side)
        left = ~(found | gone)
        who, part, search = who[left], part.take(left), search.take(left)
    # What did not come to rest within the rounds is bracketed as tightly as a float allows.
    limit[who] = search.place
    return limit
