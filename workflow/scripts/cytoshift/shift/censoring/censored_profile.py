"""Which shifts of a censored fit do the data still allow, judged by a likelihood ratio made honest for small n?

With W the likelihood-ratio statistic, n pairs and ν residual degrees of freedom, t = √(ν(e^{W/n} − 1)) is compared
with Student's t on ν degrees of freedom. Where every value is known this is the paired t itself: W = n·log(1 + t²/ν).
The plain χ² approximation rejects a true null hypothesis in 9 to 14 % of studies of six to eight pairs. A pair with
both values beyond their limits says less than a pair, and counting it as one rejects in up to 8 %: `effective_pairs`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from cytoshift.shift.censoring.censored_pairs import DELTA, FIXED_SHIFT, MU, PairFit, fit_pairs
from cytoshift.shift.censoring.climb import Rows
from cytoshift.shift.censoring.pair_data import PairData, sum_of_subjects

# A limit of the interval is sought until √W is this close to its cut, and no farther out than this (standard units).
CLOSE_ENOUGH = 1e-10
FARTHEST_LIMIT = 1e3
ROUNDS = 80


def effective_pairs(data: PairData, correlation: np.ndarray) -> np.ndarray:
    """How many pairs the data are worth: n_e = m + (1 − r²)(n − m), of n pairs m that hold a known value.

    A pair without one counts as the share of a value that its partner does not explain. Without non-detects n_e = n.

    Args:
        data: pairs of the analytes.
        correlation: (analytes,) of the two visits in the fit; taken within 0 and 1.

    Returns:
        (analytes,) effective numbers of pairs.
    """
    share = 1 - np.clip(correlation, 0.0, 1.0) ** 2
    return data.informed + share * (data.pairs - data.informed)


def calibrated_t(statistic: np.ndarray, n: np.ndarray, df: np.ndarray) -> np.ndarray:
    """Size of the t that a likelihood-ratio statistic W amounts to: √(ν(e^{W/n} − 1)).

    Args:
        statistic: (analytes,) W ≥ 0.
        n: (analytes,) pairs.
        df: (analytes,) residual degrees of freedom ν.

    Returns:
        (analytes,) |t|, to be compared with Student's t on ν degrees of freedom.
    """
    return np.sqrt(df * np.expm1(statistic / n))


def likelihood_cut(n: np.ndarray, df: np.ndarray, level: float) -> np.ndarray:
    """The W a shift may reach inside the interval: n·log(1 + t²/ν) at the two-sided quantile t of the level."""
    return n * np.log1p(stats.t.isf((1 - level) / 2, df) ** 2 / df)


def likelihood_ratio(data: PairData, fit: PairFit, null: PairFit) -> np.ndarray:
    """W = 2(ℓ(fit) − ℓ(null at δ = 0)), ≥ 0; from the moments, to the last digit, where every value is known."""
    known = data.known
    with np.errstate(divide="ignore", invalid="ignore"):
        exact = data.pairs * np.log1p(known.count * known.mean_change**2 / known.change_squares)
    found = np.maximum(2 * (fit.log_likelihood - null.log_likelihood), 0.0)
    return np.where(known.count == data.pairs, exact, found)


@dataclass
class LimitSearch(Rows):
    """One limit of every analyte's interval: the shift under trial and the shifts known to be inside and outside."""

    place: np.ndarray
    inside: np.ndarray
    outside: np.ndarray
    parameters: np.ndarray
    stride: np.ndarray


def profile_limit(
    data: PairData, log_likelihood: np.ndarray, cut: np.ndarray, start: np.ndarray, side: int
) -> np.ndarray:
    """The shift on one side at which the profile likelihood has fallen by cut/2, in standard units.

    Newton steps on the signed root √W, whose slope is the score of δ at the constrained fit, kept inside the bracket.

    Args:
        data: pairs of the analytes.
        log_likelihood: (analytes,) its maximum, or its least upper bound where there is no maximum.
        cut: (analytes,) W at the limit.
        start: (analytes, 5) parameters to begin from; its δ is the first trial.
        side: −1 for the lower, +1 for the upper limit.

    Returns:
        (analytes,) limits; infinite where the profile likelihood never falls so far.
    """
    analytes = len(cut)
    limit = np.full(analytes, side * np.inf)
    search = LimitSearch(
        start[:, DELTA].copy(), np.full(analytes, np.nan), np.full(analytes, np.nan), start.copy(), np.ones(analytes)
    )
    who, part, root_cut, top = np.arange(analytes), data, np.sqrt(cut), log_likelihood
    for _ in range(ROUNDS):
        if not len(who):
            break
        parameters = search.parameters.copy()
        parameters[:, DELTA] = search.place
        fit = fit_pairs(part, parameters, FIXED_SHIFT)
        root = np.sqrt(np.maximum(2 * (top - fit.log_likelihood), 0.0))
        gap = root_cut - root
        search.inside = np.where(gap > 0, search.place, search.inside)
        search.outside = np.where(gap <= 0, search.place, search.outside)
        width = np.abs(search.outside - search.inside)
        found = (np.abs(gap) < CLOSE_ENOUGH) | (width < 1e-12 * (1 + np.abs(search.place)))
        gone = np.abs(search.place) > FARTHEST_LIMIT
        limit[who[found]] = search.place[found]
        with np.errstate(divide="ignore", invalid="ignore"):
            step = gap * root / -fit.gradient[:, DELTA]
        search.parameters = fit.parameters
        search.place, search.stride = next_place(search, step, gap, side)
        left = ~(found | gone)
        who, part, root_cut, top, search = who[left], part.take(left), root_cut[left], top[left], search.take(left)
    # What did not come to rest within the rounds is bracketed as tightly as a float allows.
    limit[who] = search.place
    return limit


def next_place(search: LimitSearch, step: np.ndarray, gap: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """The Newton place if it is sensible; else the middle of the bracket, or one stride on where there is none yet."""
    outwards = np.where(gap > 0, side, -side)
    bracketed = ~np.isnan(search.inside) & ~np.isnan(search.outside)
    low, high = np.fmin(search.inside, search.outside), np.fmax(search.inside, search.outside)
    usable = np.isfinite(step) & (step * outwards > 0)
    newton = search.place + np.clip(np.where(usable, step, 0.0), -search.stride, search.stride)
    within = usable & (newton > low) & (newton < high)
    middle = np.where(bracketed & ~within, 0.5 * (search.inside + search.outside), newton)
    place = np.where(bracketed, middle, np.where(usable, newton, search.place + outwards * search.stride))
    return place, np.where(bracketed, np.maximum(search.stride, high - low), 2 * search.stride)


def shift_se(fit: PairFit, n: np.ndarray, df: np.ndarray) -> np.ndarray:
    """Standard error of δ in standard units, from the curvature and calibrated by √(n/ν); NaN where it is flat.

    Where every value is known it is the standard error of the mean change.
    """
    free = np.array([True, True, True, False, True]) & ~fit.held
    pair = free[:, :, None] & free[:, None, :]
    curvature = np.where(pair, -fit.hessian, 0.0) + np.eye(5) * ~free[:, :, None]
    size = np.sqrt(np.maximum(np.abs(np.einsum("aii->ai", curvature)), 1e-300))
    scaled = curvature / size[:, :, None] / size[:, None, :]
    values, vectors = np.linalg.eigh(scaled)
    definite = values.min(axis=1, initial=np.inf) > 1e-10
    share = (vectors[:, DELTA] ** 2 / np.where(definite[:, None], values, 1.0)).sum(axis=1)
    return np.where(definite, np.sqrt(share * n / df) / size[:, DELTA], np.nan)


def far_start(data: PairData, visit: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Parameters to begin from where one visit has no finite mean: the other visit's moments, and the given shift.

    Args:
        data: pairs of the analytes.
        visit: (analytes,) the visit that has a finite mean, 0 or 1.
        shift: (analytes,) δ.
    """
    middle = np.take_along_axis(data.middle, visit[None, None, :], axis=0)[0]
    count = np.maximum(data.pairs, 1)
    mean = sum_of_subjects(middle) / count
    variance = sum_of_subjects((middle - mean) ** 2) / count
    start = np.zeros((len(shift), 5))
    start[:, MU], start[:, DELTA] = mean + np.where(visit == 0, 0.5, -0.5) * shift, shift
    start[:, 2] = 0.5 * np.log(np.maximum(variance, 1e-4))
    return start
