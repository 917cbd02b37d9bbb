"""What does every method say of the simulated studies? One function per method, from a draw to p-values or limits."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from inference_studies import SEED, Draw
from scipy import stats

from cytoshift.shift.censoring.censored_change import CensoredChange, censored_change
from cytoshift.shift.censoring.censored_profile import calibrated_t
from cytoshift.shift.censoring.pair_bounds import PairBounds
from cytoshift.shift.censoring.pair_scores import censored_t, pair_scores
from cytoshift.shift.censoring.substitution import drop, half_limit, limit_over_sqrt2
from cytoshift.shift.classical.detection import mcnemar
from cytoshift.shift.classical.paired import paired_t
from cytoshift.shift.classical.ranks import signed_rank
from cytoshift.shift.exact.flips import contrast_rng, sign_flip_orbit, sign_flips
from cytoshift.shift.exact.inversion import inverted_interval
from cytoshift.shift.exact.rearrangements import Rearrangements, two_sided_p

ALPHA = 0.05
DRAWS = 1999
FITTED_STUDIES, INVERTED_STUDIES = 2000, 400
LR, SCORE, CENSORED_T = "calibrated LR", "score sign flips", "censored t"
T_HALF, T_ROOT, COMPLETE = "t, LOD/2", "t, LOD/√2", "t, complete pairs"
FLIP_HALF, RANK, SIGN, MCNEMAR = "sign flips, LOD/2", "signed rank, LOD/2", "sign test", "McNemar"
METHODS = (LR, CENSORED_T, SCORE, FLIP_HALF, RANK, SIGN, MCNEMAR, T_HALF, T_ROOT, COMPLETE)
EXACT = (SCORE, FLIP_HALF, RANK, SIGN, MCNEMAR)
INVERTED = "score sign flips inverted"
INTERVALS = (LR, INVERTED, T_HALF, T_ROOT, COMPLETE, RANK)


@dataclass(frozen=True)
class Intervals:
    """95 % limits of a method (studies,); NaN where it gives none."""

    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Answer:
    """All methods' answers to one cell.

    `p_values` by method (studies,), of the first studies only for the calibrated LR; NaN where a method gives none.
    `attainable` (studies,) is the largest size the score sign flips can have given the pairs that say something.
    `ratio` is W, from the t where every value is known; `known_pairs` counts pairs with at least one known value.
    """

    p_values: dict[str, np.ndarray]
    intervals: dict[str, Intervals]
    informative: np.ndarray
    attainable: np.ndarray
    change: CensoredChange
    ratio: np.ndarray
    known_pairs: np.ndarray


def flips_of(n: int) -> Rearrangements:
    """All sign patterns of 6, 8 or 12 pairs, random ones of 24."""
    return sign_flips(n, draws=DRAWS, rng=contrast_rng(SEED, f"{n} pairs"))


def answer(drawn: Draw, *, with_intervals: bool = False) -> Answer:
    """Ask every method; intervals only where asked, as the inverted one takes long."""
    bounds, n = drawn.bounds(), drawn.values.shape[1]
    flips = flips_of(n)
    scores = pair_scores(bounds)
    fitted = drawn.first(FITTED_STUDIES).bounds()
    change = censored_change(fitted)
    half, root, complete = (paired_t(drawn.substituted(number)) for number in (half_limit, limit_over_sqrt2, drop))
    ranked = signed_rank(drawn.substituted(half_limit))
    seen = np.where(drawn.below, 0.0, 1.0)
    p_values = {
        LR: change.estimates.p_value,
        CENSORED_T: censored_t(scores, bounds).p_value,
        SCORE: two_sided_p(sign_flip_orbit(scores, flips)),
        FLIP_HALF: two_sided_p(sign_flip_orbit(drawn.substituted(half_limit), flips)),
        RANK: ranked.p_value,
        SIGN: sign_test(bounds),
        MCNEMAR: mcnemar(seen[0], seen[1]).p_value,
        T_HALF: half.p_value,
        T_ROOT: root.p_value,
        COMPLETE: complete.p_value,
    }
    intervals = {}
    if with_intervals:
        low, high = inverted_interval(drawn.first(INVERTED_STUDIES).bounds(), flips)
        named = {LR: change.estimates, T_HALF: half, T_ROOT: root, COMPLETE: complete, RANK: ranked}
        intervals = {name: Intervals(found.ci_low, found.ci_high) for name, found in named.items()}
        intervals[INVERTED] = Intervals(low, high)
    informative = np.count_nonzero(np.nan_to_num(scores), axis=0)
    steps = 2.0 ** (informative - 1) if flips.complete else np.full(len(informative), DRAWS + 1.0)
    return Answer(
        p_values,
        intervals,
        informative,
        np.floor(ALPHA * steps) / steps,
        change,
        _ratio(change, fitted.non_detect_share == 0, n),
        (~fitted.censored).any(axis=0).sum(axis=0).astype(float),
    )


def sign_test(bounds: PairBounds) -> np.ndarray:
    """Exact sign test of the pairs whose order is known: intervals that do not overlap, ends included."""
    up, down = bounds.target_lower >= bounds.reference_upper, bounds.reference_lower >= bounds.target_upper
    rises, falls = (up & ~down).sum(axis=0), (down & ~up).sum(axis=0)
    return np.minimum(1.0, 2 * stats.binom.cdf(np.minimum(rises, falls), rises + falls, 0.5))


def _ratio(change: CensoredChange, fully_known: np.ndarray, n: int) -> np.ndarray:
    exact = n * np.log1p(change.estimates.statistic**2 / (n - 1))
    return np.where(fully_known, exact, change.likelihood_ratio)


def by_all_pairs(found: Answer, n: int) -> np.ndarray:
    """p of the likelihood ratio when every pair counts in the calibration."""
    return _calibrated(found.ratio, np.full(len(found.ratio), float(n)))


def by_known_pairs(found: Answer, n: int) -> np.ndarray:
    """p when pairs without any known value do not count."""
    return _calibrated(found.ratio, found.known_pairs)


def by_worth(found: Answer, n: int) -> np.ndarray:
    """p when a pair without any known value counts 1 − ρ̂², ρ̂ the fitted correlation, between 0 and 1."""
    # Where one visit has no finite mean the correlation is not reported, and where all is known it does not matter.
    rho = np.clip(np.nan_to_num(found.change.correlation, nan=1.0), 0.0, 1.0)
    return _calibrated(found.ratio, found.known_pairs + (1 - rho**2) * (n - found.known_pairs))


def with_censored_t(p_of: Callable[[Answer, int], np.ndarray]) -> Callable[[Answer, int], np.ndarray]:
    """The same, with the p-value of the censored t where the likelihood has no maximum."""

    def p_value(found: Answer, n: int) -> np.ndarray:
        own = p_of(found, n)
        return np.where(found.change.by_scores, found.p_values[CENSORED_T][: len(own)], own)

    return p_value


def _calibrated(ratio: np.ndarray, n: np.ndarray) -> np.ndarray:
    df = np.where(n > 1, n - 1, np.nan)
    return 2 * stats.t.sf(calibrated_t(ratio, n, df), df)


CALIBRATIONS: dict[str, Callable[[Answer, int], np.ndarray]] = {
    "all pairs": by_all_pairs,
    "pairs with a known value": by_known_pairs,
    "unknown pairs at 1 − ρ̂²": by_worth,
    "all pairs, then censored t": with_censored_t(by_all_pairs),
    "pairs with a known value, then censored t": with_censored_t(by_known_pairs),
    "unknown pairs at 1 − ρ̂², then censored t": with_censored_t(by_worth),
}
