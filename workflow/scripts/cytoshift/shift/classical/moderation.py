"""Can features lend each other their spread? Empirical-Bayes squeezing of residual variances (limma's eBayes)."""

import functools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special, stats

from cytoshift.shift.classical.variance_trend import local_trend, spline_trend
from cytoshift.shift.estimates import Estimates, add_note, masked_mean_and_squares, t_interval

# With fewer the prior is unreliable: type-I error 6–7.5 % at a nominal 5, 12–14 % in the noisiest quarter.
LEAST_FEATURES = 20
LEAST_RESIDUAL_DF = 5
# limma's: variances below this share of the median are raised to it, so that one near-zero cannot rule the prior.
SMALLEST_VARIANCE = 1e-5
# limma's: the robust fit pulls in this share of variances at the low and the high end.
WINSORISED = (0.05, 0.1)
# The same points serve every fit, and finding them takes longer than a fit does.
_gauss_legendre = functools.cache(np.polynomial.legendre.leggauss)


@dataclass(frozen=True)
class Prior:
    """What the features together say about one feature's variance.

    `variance`, shape (features,), is the prior variance s0², the same for all unless it follows a trend. `df`
    (features,) is its weight in degrees of freedom, the same for all unless robust, where outlying variances get less;
    infinity means that all features have the prior's variance.
    `features` and `residual_df` (their median) are what it was learned from, `pooled_df` their sum, which no feature's
    total can exceed. A non-empty `reason` says why there is no prior; nothing is then moderated.
    """

    variance: np.ndarray
    df: np.ndarray
    features: int
    residual_df: float
    pooled_df: float
    reason: str


@dataclass(frozen=True)
class Learned:
    """A prior as learned: variance and df of the features learned from, variance of the others, and their df."""

    variance: np.ndarray
    df: np.ndarray
    elsewhere: np.ndarray
    common_df: float


def mean_level(*panels: np.ndarray) -> np.ndarray:
    """Mean of all values of each feature, over panels of shape (subjects, features): what a trend runs along.

    NaN where a feature has no value. limma's Amean, when the panels are all samples of the contrast.
    """
    return masked_mean_and_squares(np.concatenate(panels))[1]


def fit_prior(
    variance: ArrayLike,
    df: ArrayLike,
    *,
    robust: bool = False,
    trend: ArrayLike | None = None,
    use: ArrayLike | None = None,
) -> Prior:
    """Prior variance and its degrees of freedom, learned from the residual variances of many features.

    `variance` and `df`, shape (features,): residual variance s² and its degrees of freedom d; missing and zero ones
    are not learned from. `use` (features,) is true where a feature may enter the prior (at most 20 % non-detects).
    By the moments of Fisher's z: e = ln s² − ψ(d/2) + ln(d/2) has variance ψ'(d/2) + ψ'(d0/2) (Smyth 2004,
    doi:10.2202/1544-6115.1027). `trend` (features,), the mean level of each feature (`mean_level`), lets the prior
    variance follow it along a natural spline (limma's eBayes(trend = TRUE); Law et al. 2014,
    doi:10.1186/gb-2014-15-2-r29). `robust` fits winsorised moments and lowers d0 for outlying variances (Phipson et al.
    2016, doi:10.1214/16-AOAS920), as limma's eBayes(robust = TRUE) with its default tails.
    Below 20 features, or a median of 5 residual degrees of freedom, there is no prior and `reason` says so.
    Raises ValueError when shapes differ, or a feature with a variance has no level for the trend.
    """
    values, degrees = np.asarray(variance, dtype=float), np.asarray(df, dtype=float)
    mask = np.ones(values.shape, dtype=bool) if use is None else np.asarray(use, dtype=bool)
    if values.ndim != 1 or degrees.shape != values.shape or mask.shape != values.shape:
        raise ValueError(f"variance {values.shape}, df {degrees.shape} and use {mask.shape} need one shape (features,)")
    level = None if trend is None else np.asarray(trend, dtype=float)
    if level is not None and (level.shape != values.shape or not np.isfinite(level[values > 0]).all()):
        raise ValueError(f"trend needs the level of each of the {values.size} features that has a variance")
    mask = mask & (values > 0) & (degrees > 0)
    count = int(mask.sum())
    typical = float(np.median(degrees[mask])) if count else 0.0
    scale, weight = np.full(values.shape, np.nan), np.full(values.shape, np.nan)
    reason = ""
    if count < LEAST_FEATURES:
        reason = f"not moderated: {LEAST_FEATURES} features with a variance needed, {count} found"
    elif typical < LEAST_RESIDUAL_DF:
        reason = f"not moderated: {LEAST_RESIDUAL_DF} residual degrees of freedom needed, {typical:g} typical"
    prior = Prior(scale, weight, count, typical, float(degrees[mask].sum()), reason)
    if reason:
        return prior
    # Without a trend, every feature stands at the same level.
    along, others = (None, np.zeros(int((~mask).sum()))) if level is None else (level[mask], level[~mask])
    learned = (_fit_robust if robust else _fit_moments)(values[mask], degrees[mask], along, others)
    scale[mask], scale[~mask] = learned.variance, learned.elsewhere
    weight[mask], weight[~mask] = learned.df, learned.common_df
    return replace(prior, variance=scale, df=weight)


def moderate(estimates: Estimates, prior: Prior, *, level: float = 0.95) -> Estimates:
    """Estimates with each residual variance squeezed towards the prior: the moderated t (Smyth 2004).

    s̃² = (d·s² + d0·s0²)/(d + d0), t̃ = t·s/s̃ on d + d0 degrees of freedom, never more than the prior's pooled ones.
    `estimates` come from a method with one residual variance (`paired_t`, `arm_effect`, `blocked_effects`); features
    without a spread of their own are left as they are. Without a prior everything stays, and every note says why.
    Raises ValueError when the prior was learned for another number of features.
    """
    if prior.df.shape != estimates.df.shape:
        raise ValueError(f"the prior is for {prior.df.size} features, the estimates are of {estimates.df.size}")
    if prior.reason:
        return replace(estimates, note=add_note(estimates.note, np.ones(prior.df.shape, dtype=bool), prior.reason))
    usable = (estimates.residual_variance > 0) & (estimates.se > 0)
    own = np.where(usable, estimates.residual_variance, np.nan)
    finite = np.isfinite(prior.df)
    weight = np.where(finite, prior.df, 0.0)
    mixed = (estimates.df * own + weight * prior.variance) / (estimates.df + weight)
    squeezed = np.where(finite, mixed, np.where(usable, prior.variance, np.nan))
    se = np.where(usable, estimates.se * np.sqrt(squeezed / own), estimates.se)
    df = np.where(usable, np.minimum(estimates.df + prior.df, prior.pooled_df), estimates.df)
    statistic = np.divide(estimates.estimate, se, out=np.full(se.shape, np.nan), where=usable)
    low, high = t_interval(estimates.estimate, se, df, level)
    return replace(
        estimates,
        se=se,
        df=df,
        ci_low=low,
        ci_high=high,
        coverage=np.where(usable, level, np.nan),
        statistic=statistic,
        p_value=2 * stats.t.sf(np.abs(statistic), df),
        residual_variance=np.where(usable, squeezed, estimates.residual_variance),
        method=f"moderated_{estimates.method}",
        p_method="moderated_t",
        ci_method="moderated_t",
    )


def invert_trigamma(value: float) -> float:
    """The y > 0 with ψ'(y) = value, by Newton's method on 1/ψ' (Smyth 2004, appendix); `value` must be positive.

    Raises ValueError otherwise.
    """
    if not value > 0:
        raise ValueError(f"no argument has a trigamma of {value}")
    if value > 1e7:
        return float(1 / np.sqrt(value))
    if value < 1e-6:
        return 1 / value
    guess = 0.5 + 1 / value
    for _ in range(50):
        trigamma = special.polygamma(1, guess)
        step = trigamma * (1 - trigamma / value) / special.polygamma(2, guess)
        guess += step
        if -step / guess < 1e-14:
            break
    return float(guess)


def _fit_moments(variance: np.ndarray, df: np.ndarray, level: np.ndarray | None, others: np.ndarray) -> Learned:
    """Prior variance and df from the moments of Fisher's z (limma's fitFDist)."""
    raised = np.maximum(variance, SMALLEST_VARIANCE * np.median(variance))
    response = np.log(raised) - special.digamma(df / 2) + np.log(df / 2)
    flat = level is None or np.ptp(level) == 0
    if level is None or flat:
        fitted, elsewhere = np.full(df.shape, response.mean()), np.full(others.shape, response.mean())
        spread = response.var(ddof=1)
    else:
        trend = spline_trend(response, level, others)
        fitted, elsewhere, spread = trend.fitted, trend.predicted, trend.variance
    excess = float(spread - special.polygamma(1, df / 2).mean())
    if excess > 0:
        weight = 2 * invert_trigamma(excess)
        bias = special.digamma(weight / 2) - np.log(weight / 2)
    else:
        weight, bias = np.inf, 0.0
        if flat:
            fitted, elsewhere = np.full(df.shape, np.log(raised.mean())), np.full(others.shape, np.log(raised.mean()))
    return Learned(np.exp(fitted + bias), np.full(df.shape, weight), np.exp(elsewhere + bias), weight)


def _fit_robust(variance: np.ndarray, df: np.ndarray, level: np.ndarray | None, others: np.ndarray) -> Learned:
    """As `_fit_moments`, from winsorised moments (limma's fitFDistRobustly)."""
    plain = _fit_moments(variance, df, level, others)
    weight = plain.common_df
    raised, residual_df = _to_common_df(variance, df, plain.variance, weight)
    response = np.log(raised)
    if level is None:
        centre = np.full(df.shape, stats.trim_mean(response, WINSORISED[1]))
    else:
        centre = local_trend(response, level)
    ends = np.quantile(response - centre, [WINSORISED[0], 1 - WINSORISED[1]])
    pulled = np.clip(response - centre, *ends)

    def misfit(share: float) -> float:
        return float(np.log(pulled.var(ddof=1) / _winsorised_moments(residual_df, share)[1]))

    above = misfit(1.0)
    if above > 0 and np.isinf(weight):
        return plain
    if above <= 0:
        weight = np.inf
    elif misfit(weight / (1 + weight)) < 0:
        root = optimize.brentq(misfit, weight / (1 + weight), 1.0, xtol=1e-13)
        weight = root / (1 - root)
    share = 1.0 if np.isinf(weight) else weight / (1 + weight)
    corrected = centre + pulled.mean() - _winsorised_moments(residual_df, share)[0]
    ratio = np.exp(response - corrected)
    own = _weights_of_outliers(ratio, residual_df, weight)
    return Learned(np.exp(corrected), own, np.exp(_between(corrected, level, others)), float(weight))


def _between(values: np.ndarray, level: np.ndarray | None, others: np.ndarray) -> np.ndarray:
    """Values at other levels, along straight lines between the features' own; as at the ends beyond them."""
    if level is None:
        return np.full(others.shape, values[0])
    levels, place = np.unique(level, return_inverse=True)
    return np.interp(others, levels, np.bincount(place, values) / np.bincount(place))


def _to_common_df(variance: np.ndarray, df: np.ndarray, scale: np.ndarray, weight: float) -> tuple[np.ndarray, float]:
    """Variances moved to where they stand in the distribution for the largest df."""
    largest = float(df.max())
    raised = np.maximum(variance, np.median(variance) * 1e-12)
    ratio = raised / scale
    # scipy's F has no infinite denominator; χ²/d is its limit. The floor keeps a tail of 0 from becoming infinite.
    if np.isinf(weight):
        own, common = stats.chi2(df, scale=1 / df), stats.chi2(largest, scale=1 / largest)
    else:
        own, common = stats.f(df, weight), stats.f(largest, weight)
    upper, lower = np.maximum(own.sf(ratio), 1e-300), np.maximum(own.cdf(ratio), 1e-300)
    moved = np.where(upper < lower, common.isf(upper), common.ppf(lower))
    return np.where(df < largest - 1e-14, moved * scale, raised), largest


def _winsorised_moments(df: float, share: float) -> tuple[float, float]:
    """Mean and variance of winsorised Fisher's z on (df, share/(1 − share)) degrees of freedom, by Gauss–Legendre."""
    law = stats.chi2(df, scale=1 / df) if share >= 1 else stats.f(df, share / (1 - share))
    limits = law.ppf([WINSORISED[0], 1 - WINSORISED[1]])
    ends, (first, last) = np.log(limits), limits / (1 + limits)
    points, weights = _gauss_legendre(128)
    nodes = first + (last - first) * (points + 1) / 2
    values = nodes / (1 - nodes)
    mass = (last - first) * weights / 2 * law.pdf(values) / (1 - nodes) ** 2
    outside = np.array(WINSORISED)
    mean = float(mass @ np.log(values) + outside @ ends)
    return mean, float(mass @ (np.log(values) - mean) ** 2 + outside @ (ends - mean) ** 2)


def _weights_of_outliers(ratio: np.ndarray, df: float, weight: float) -> np.ndarray:
    """Prior df of each feature, lower where its variance is larger than the prior allows, monotone in the variance."""
    count = ratio.size
    observed = np.log(count - stats.rankdata(ratio) + 0.5) - np.log(count)
    log_tail = _log_tail(ratio, df, weight)
    typical = np.exp(np.minimum(log_tail - observed, 0.0))
    if not (typical < 1).any():
        return np.full(count, weight)
    order = np.argsort(log_tail, kind="stable")
    if np.isinf(weight):
        own = np.where(typical < 1, typical * count * df, weight)
        own[order] = np.maximum.accumulate(own[order])
        return own
    least = log_tail.min()
    outlying = 0.0
    if np.isfinite(least):
        outlying = np.log(0.5) / least * weight
        outlying *= np.log(0.5) / float(_log_tail(ratio.max(), df, outlying))
    own = typical * weight + (1 - typical) * outlying
    running = np.cumsum(own[order]) / np.arange(1, count + 1)
    lowest = int(np.argmin(running))
    ordered = own[order]
    ordered[: lowest + 1] = running[lowest]
    own[order] = np.maximum.accumulate(ordered)
    return own


def _log_tail(ratio: np.ndarray, df: float, weight: float) -> np.ndarray:
    if np.isinf(weight):
        return stats.chi2.logsf(ratio * df, df)
    return stats.f.logsf(ratio, df, weight)
