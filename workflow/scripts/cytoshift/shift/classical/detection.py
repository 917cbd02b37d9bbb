"""Did a feature become detectable, or stop being so, more often than chance explains?

For analytes mostly below their limit the value says little, but whether it was detected at all still counts.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import beta, binom, hypergeom

NO_CHANGE_NOTE = "no pair changed its detection: odds ratio undefined, p-value 1"
NO_TABLE_NOTE = "all or none detected, or an arm is empty: odds ratio undefined, p-value 1"
# Outcomes whose probabilities differ by less than this share count as equally likely (as in R's fisher.test).
EQUALLY_LIKELY = 1e-7


@dataclass(frozen=True)
class DetectionTest:
    """Detection compared between two visits or two arms; every array has one entry per feature.

    Attributes:
        counts: (features, 2, 2) subjects: not detected, detected at the reference × at the target visit; or control
            arm, target arm × not detected, detected.
        odds_ratio: above 1 when detected more often in the target; 0 or infinite at the edge, NaN where undefined.
        ci_low: lower limit of the odds ratio.
        ci_high: upper limit of the odds ratio, possibly infinite.
        p_value: exact, two-sided; 1 where nothing can be compared.
        n_informative: pairs that changed their detection, or subjects in both arms together.
        smallest_p: the smallest p-value these margins could have given.
        note: why there is no odds ratio; empty otherwise.
    """

    counts: np.ndarray
    odds_ratio: np.ndarray
    ci_low: np.ndarray
    ci_high: np.ndarray
    p_value: np.ndarray
    n_informative: np.ndarray
    smallest_p: np.ndarray
    note: tuple[str, ...]


def mcnemar(reference: np.ndarray, target: np.ndarray, *, alpha: float = 0.05) -> DetectionTest:
    """Exact McNemar test: among pairs that changed, was becoming detected as likely as ceasing to be?

    p is the two-sided binomial test of g gains among m = g + l changes; the conditional odds ratio is g/l, its interval
    π/(1 − π) of the Clopper–Pearson limits of π = g/m. Both are central, so p ≤ alpha exactly when the interval leaves
    out 1. The sign-flip test of detected(target) − detected(reference) gives the same p-value.
    Reference: McNemar (1947), Psychometrika 12:153; Clopper & Pearson (1934), Biometrika 26:404.

    Args:
        reference: (subjects, features) 1 detected, 0 not, NaN missing, at the reference visit.
        target: the same at the target visit.
        alpha: 1 − confidence level of the interval.

    Returns:
        The test of each feature; pairs with a missing member are not counted.

    Raises:
        ValueError: shapes differ, or a value other than 0, 1 and NaN.
    """
    before, after = _as_detected(reference), _as_detected(target)
    if before.shape != after.shape:
        raise ValueError(f"reference {before.shape} and target {after.shape} differ in shape")
    counts = np.stack(
        [np.stack([((before == row) & (after == column)).sum(axis=0) for column in (0, 1)], axis=-1) for row in (0, 1)],
        axis=-2,
    )
    gains, losses = counts[:, 0, 1], counts[:, 1, 0]
    changed = gains + losses
    p_value = np.where(changed > 0, np.minimum(1.0, 2 * binom.cdf(np.minimum(gains, losses), changed, 0.5)), 1.0)
    low = np.where(gains > 0, beta.ppf(alpha / 2, np.maximum(gains, 1), losses + 1), 0.0)
    high = np.where(losses > 0, beta.ppf(1 - alpha / 2, gains + 1, np.maximum(losses, 1)), 1.0)
    return DetectionTest(
        counts=counts,
        odds_ratio=_ratio(gains, losses),
        ci_low=_ratio(low, 1 - low),
        ci_high=_ratio(high, 1 - high),
        p_value=p_value,
        n_informative=changed,
        smallest_p=np.minimum(1.0, 2.0 ** (1.0 - changed)),
        note=tuple(NO_CHANGE_NOTE if m == 0 else "" for m in changed),
    )


def fisher(detected: np.ndarray, target: np.ndarray, *, alpha: float = 0.05) -> DetectionTest:
    """Fisher's exact test of detection between two arms, with the conditional odds ratio.

    p sums the tables with the same margins that are no likelier than the one seen. The odds ratio is the conditional
    maximum-likelihood estimate (not ad/bc); its limits put alpha/2 in each tail of the noncentral hypergeometric
    distribution. As p is not central and the interval is, the two can disagree near alpha, as they do in R.
    Reference: Fisher (1935), J. Royal Statistical Society 98:39; Cornfield (1956), 3rd Berkeley Symposium 4:135.

    Args:
        detected: (subjects, features) 1 detected, 0 not, NaN missing.
        target: (subjects,) True in the target arm, False in the control arm.
        alpha: 1 − confidence level of the interval.

    Returns:
        The test of each feature.

    Raises:
        ValueError: arms of another length, or a value other than 0, 1 and NaN.
    """
    detected = _as_detected(detected)
    target = np.asarray(target, dtype=bool)
    if target.shape != detected.shape[:1]:
        raise ValueError(f"arms of {target.size} subjects, detection of {len(detected)}")
    counts = np.stack(
        [np.stack([(detected[arm] == value).sum(axis=0) for value in (0, 1)], axis=-1) for arm in (~target, target)],
        axis=-2,
    )
    # Features share few distinct tables: each is worked out once.
    tables, position = np.unique(counts.reshape(-1, 4), axis=0, return_inverse=True)
    results = np.array([_fisher_table(table.tolist(), alpha) for table in tables]).reshape(-1, 5)
    odds_ratio, low, high, p_value, smallest = results[position].T
    return DetectionTest(
        counts=counts,
        odds_ratio=odds_ratio,
        ci_low=low,
        ci_high=high,
        p_value=p_value,
        n_informative=counts.sum(axis=(1, 2)),
        smallest_p=smallest,
        note=tuple(NO_TABLE_NOTE if np.isnan(value) else "" for value in odds_ratio),
    )


def _fisher_table(table: list[int], alpha: float) -> tuple[float, float, float, float, float]:
    """Odds ratio, its limits, p-value and smallest p-value of [control not, detected, target not, detected]."""
    _, control_detected, target_not, seen = table
    in_target, detected, total = target_not + seen, control_detected + seen, sum(table)
    support = np.arange(max(0, in_target + detected - total), min(in_target, detected) + 1)
    if len(support) < 2:
        return np.nan, 0.0, np.inf, 1.0, 1.0
    null = hypergeom.pmf(support, total, detected, in_target)
    p_value = float(min(1.0, null[null <= null[seen - support[0]] * (1 + EQUALLY_LIKELY)].sum()))
    smallest = float(null[null <= null.min() * (1 + EQUALLY_LIKELY)].sum())
    return *_conditional_odds_ratio(seen, support, np.log(null), alpha), p_value, smallest


def _conditional_odds_ratio(
    seen: int, support: np.ndarray, log_null: np.ndarray, alpha: float
) -> tuple[float, float, float]:
    """Conditional estimate and limits, from the noncentral hypergeometric distribution P(x) ∝ P₀(x)·ψ^x."""

    def expectation(log_odds: float, values: np.ndarray) -> float:
        exponent = log_null + support * log_odds
        share = np.exp(exponent - exponent.max())
        return float(share @ values / share.sum())

    at_or_above, at_or_below = (support >= seen).astype(float), (support <= seen).astype(float)
    estimate, low, high = 0.0, 0.0, np.inf
    if seen == support[-1]:
        estimate = np.inf
    else:
        high = np.exp(_root(lambda log_odds: alpha / 2 - expectation(log_odds, at_or_below)))
    if seen > support[0]:
        low = np.exp(_root(lambda log_odds: expectation(log_odds, at_or_above) - alpha / 2))
        if seen < support[-1]:
            estimate = np.exp(_root(lambda log_odds: expectation(log_odds, support - float(seen))))
    return float(estimate), float(low), float(high)


def _root(rises: Callable[[float], float]) -> float:
    """Where a rising function of the log odds ratio crosses 0."""
    bound = 1.0
    while rises(-bound) > 0 or rises(bound) < 0:
        bound *= 2
    return float(brentq(rises, -bound, bound, xtol=1e-13, rtol=1e-14))


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Quotient with x/0 infinite and 0/0 NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(numerator, dtype=float) / np.asarray(denominator, dtype=float)


def _as_detected(values: np.ndarray) -> np.ndarray:
    """Detection as 0, 1 and NaN."""
    values = np.asarray(values, dtype=float)
    if values.ndim != 2 or not (np.isnan(values) | (values == 0) | (values == 1)).all():
        raise ValueError("detection has the shape (subjects, features) with 1 detected, 0 not, NaN missing")
    return values
