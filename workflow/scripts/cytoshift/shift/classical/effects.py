"""How large is the shift beside the spread between subjects, and how large must one be to be found?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats
from scipy.optimize import elementwise

from cytoshift.shift.estimates import ROUNDING, as_panel, check_level, largest_size, masked_mean_and_squares

# Beyond this t a noncentral t distribution is not solved but scaled: no effect of subjects is that large.
LARGEST_SOLVED = 1e4


@dataclass(frozen=True)
class EffectSize:
    """A standardised effect and its interval, shape (features,) each; NaN where the spread is 0 or unknown."""

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    kind: str


def paired_effect(reference: ArrayLike, target: ArrayLike, *, level: float = 0.95) -> EffectSize:
    """Mean change over the average SD of the two visits, d_av, with Hedges' correction, for all features at once.

    `reference` and `target` (subjects, features), the same subjects in the same order, NaN where missing; complete
    pairs only. d_av = J(n − 1)·mean(d)/s_av, s_av² = (s_reference² + s_target²)/2 (Cumming 2012). The interval is for
    the population value, so without J: noncentral-t limits of the paired t, over √n, times s_d/s_av (Algina &
    Keselman 2003, doi:10.1177/0013164403256358). Raises ValueError when shapes differ. Not comparable with d_z, which
    divides by the SD of the changes and grows with the correlation of the visits.
    """
    before, after = as_panel(reference, "reference"), as_panel(target, "target")
    if before.shape != after.shape:
        raise ValueError(f"reference has the shape {before.shape}, target {after.shape}: they must be the same")
    complete = ~np.isnan(before) & ~np.isnan(after)
    before, after = np.where(complete, before, np.nan), np.where(complete, after, np.nan)
    pairs, mean, squares = masked_mean_and_squares(after - before)
    df = np.where(pairs >= 2, pairs - 1.0, np.nan)
    spread_change = _spread(squares / df, after - before)
    both = masked_mean_and_squares(before)[2] + masked_mean_and_squares(after)[2]
    spread_average = _spread(both / df / 2, np.vstack([before, after]))
    root = np.sqrt(np.maximum(pairs, 1))
    low, high = noncentrality_limits(mean * root / spread_change, df, level=level)
    factor = spread_change / spread_average / root
    return EffectSize(hedges_factor(df) * mean / spread_average, low * factor, high * factor, "d_av")


def censored_effect(estimate: ArrayLike, sd: ArrayLike, pairs: ArrayLike) -> EffectSize:
    """d_av from the maximum-likelihood fit of pairs with non-detects, for all features at once; it has no interval.

    `estimate`, `sd` and `pairs` (features,): the change, the spread that both visits share in the fit, and its pairs.
    Maximum likelihood divides by n, so that sd·√(n/(n − 1)) is s_av where nothing is censored, and J(n − 1) of Hedges
    (1981) is the correction: without non-detects this is `paired_effect` exactly. NaN with fewer than three pairs.
    Noncentral-t limits do not carry over, since the spread of a censored fit has no χ² distribution.
    """
    shift, spread = np.asarray(estimate, dtype=float), np.asarray(sd, dtype=float)
    df = np.asarray(pairs, dtype=float) - 1.0
    df = np.where(df > 1, df, np.nan)
    average = np.where(spread > 0, spread, np.nan) * np.sqrt((df + 1) / df)
    nothing = np.full(average.shape, np.nan)
    return EffectSize(hedges_factor(df) * shift / average, nothing, nothing.copy(), "d_av_censored")


def standardised_by_baseline(estimate: ArrayLike, baseline: ArrayLike) -> np.ndarray:
    """Estimate of a model over the SD of the baseline values of all its subjects, shape (features,).

    `estimate` (features,) on the analysis scale; `baseline` (subjects, features), NaN where missing. NaN where fewer
    than two baselines are known or all are equal.
    """
    panel = as_panel(baseline, "baseline")
    count, _, squares = masked_mean_and_squares(panel)
    variance = np.divide(squares, count - 1.0, out=np.full(count.shape, np.nan), where=count >= 2)
    return np.asarray(estimate, dtype=float) / _spread(variance, panel)


def hedges_factor(df: ArrayLike) -> np.ndarray:
    """Small-sample correction J = Γ(df/2)/(√(df/2)·Γ((df − 1)/2)) (Hedges 1981); NaN at df ≤ 1, where none exists."""
    degrees = np.where(np.asarray(df, dtype=float) > 1, df, np.nan)
    return np.exp(special.gammaln(degrees / 2) - special.gammaln((degrees - 1) / 2)) / np.sqrt(degrees / 2)


def noncentrality_limits(statistic: ArrayLike, df: ArrayLike, *, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """The noncentralities under which an observed t lies at the upper and at the lower (1 − level)/2 point.

    `statistic` and `df` broadcast; NaN in, NaN out. Raises ValueError when the level is not between 0 and 1.
    """
    observed, degrees = np.broadcast_arrays(np.asarray(statistic, dtype=float), np.asarray(df, dtype=float))
    tail = (1 - check_level(level)) / 2
    known = np.isfinite(observed) & (degrees > 0)
    low, high = np.full((2, *observed.shape), np.nan)
    low[known] = _solve_noncentrality(observed[known], degrees[known], 1 - tail)
    high[known] = _solve_noncentrality(observed[known], degrees[known], tail)
    return low, high


def detectable_difference(
    sd: ArrayLike,
    n: ArrayLike,
    n_reference: ArrayLike | None = None,
    *,
    power: float = 0.8,
    alpha: float = 0.05,
) -> np.ndarray:
    """Smallest true difference that a two-sided t test would find with the given power.

    `sd` (features,) is the SD of the changes (paired: `n` pairs) or the common SD within arms (`n` in the target arm,
    `n_reference` in the other); all broadcast. The noncentrality δ solves P(T(df, δ) > t(1 − α/2; df)) = power, and the
    difference is δ·sd/√n or δ·sd·√(1/n + 1/n_reference): R's power.t.test(strict = FALSE). NaN without a residual
    degree of freedom. Raises ValueError when alpha or power is not between 0 and 1, or power does not exceed alpha/2.
    """
    if not 0 < alpha < 1 or not alpha / 2 < power < 1:
        raise ValueError(f"power {power} must lie between alpha/2 ({alpha / 2}) and 1, alpha between 0 and 1")
    spread, first = np.asarray(sd, dtype=float), np.asarray(n, dtype=float)
    second = np.full(first.shape, np.inf) if n_reference is None else np.asarray(n_reference, dtype=float)
    spread, first, second = np.broadcast_arrays(spread, first, second)
    df = first - 1 if n_reference is None else first + second - 2
    known = (df > 0) & (first > 0) & (second > 0)
    needed = np.full(spread.shape, np.nan)
    distinct, index = np.unique(df[known], return_inverse=True)
    needed[known] = _solve_noncentrality(stats.t.isf(alpha / 2, distinct), distinct, 1 - power)[index]
    return needed * spread * np.sqrt(1 / np.where(known, first, np.nan) + 1 / np.where(known, second, np.nan))


def _spread(variance: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Square root of the variance, NaN where only rounding noise is left of it."""
    return np.where(np.sqrt(variance) > ROUNDING * largest_size(values), np.sqrt(variance), np.nan)


def _solve_noncentrality(statistic: np.ndarray, df: np.ndarray, probability: float) -> np.ndarray:
    """The noncentrality at which P(T ≤ statistic) is the probability, for all elements at once."""
    if statistic.size == 0:
        return statistic
    # By symmetry P(T ≤ t; δ) = 1 − P(T ≤ −t; −δ). scipy's distribution has gaps (NaN) where t and δ have opposite signs
    # and are large, so t is taken positive and the search starts close to the root.
    size, tail = np.abs(statistic), np.where(statistic < 0, 1 - probability, probability)
    huge = size > LARGEST_SOLVED
    size_solved = np.where(huge, LARGEST_SOLVED, size)
    start = _likely_noncentrality(size_solved, df, tail)
    arguments = (size_solved, df, tail)
    bracket = elementwise.bracket_root(_excess, start - 0.25, start + 0.25, args=arguments)
    tolerances = {"xatol": 1e-12, "xrtol": 1e-13, "fatol": 0.0, "frtol": 0.0}
    found = elementwise.find_root(_excess, bracket.bracket, args=arguments, tolerances=tolerances)
    # Both limits are proportional to t where the numerator's unit variance no longer counts.
    root = np.where(huge, found.x * size / LARGEST_SOLVED, found.x)
    return np.where(found.success & bracket.success, np.where(statistic < 0, -root, root), np.nan)


def _likely_noncentrality(statistic: np.ndarray, df: np.ndarray, tail: np.ndarray) -> np.ndarray:
    """A first guess: δ is the 1 − tail quantile of t·√(χ²/df) − Z, near normal unless df is small."""
    normal = stats.norm.ppf(tail)
    guess = statistic * (1 - 1 / (4 * df)) - normal * np.sqrt(1 + statistic**2 / (2 * df))
    without_z = statistic * np.sqrt(stats.chi2.isf(tail, df) / df)
    return np.clip(guess, without_z - np.abs(normal), without_z + np.abs(normal))


def _excess(noncentrality: np.ndarray, statistic: np.ndarray, df: np.ndarray, probability: np.ndarray) -> np.ndarray:
    return stats.nct.cdf(statistic, df, noncentrality) - probability
