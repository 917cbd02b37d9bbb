"""How much does each pair speak for a change, non-detects included, if in truth there was none?

The score u of a pair is the slope of its log-likelihood in the shift δ at the fit without a shift. Exchanging the two
visits of a pair changes the sign of its score and leaves the fit, and every other score, as they were, bit by bit. So
flipping signs is an exact test that the visits are exchangeable, whatever mix of values and intervals the pairs are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from cytoshift.shift.censoring.censored_pairs import fit_without_shift, to_natural
from cytoshift.shift.censoring.pair_bounds import PairBounds, recensor_bounds
from cytoshift.shift.censoring.pair_data import pair_data
from cytoshift.shift.estimates import add_note, count_note, empty_notes
from cytoshift.shift.exact.flips import sign_flip_statistics

NO_SCORE = "both members of every pair have the same value or lie in the same interval: nothing to test"
# What a pair with both values in one interval counts in the t of the scores. Simulated (docs/inference.md): counted in
# full, the t finds up to 4.5 points less than a t with LOD/2; not counted, it rejects a true null in up to 19 %.
UNKNOWN_PAIR_COUNTS = 0.5
# A score this small a share of its analyte's largest is what rounding leaves of 0.
ROUNDED_SCORE = 1e-12


@dataclass(frozen=True)
class CensoredT:
    """The t statistic of the scores; arrays (analytes,), NaN with the reason in `note` where there is none."""

    statistic: np.ndarray
    df: np.ndarray
    p_value: np.ndarray
    note: np.ndarray


def pair_scores(bounds: PairBounds, *, recensor: bool = True) -> np.ndarray:
    """Scores of δ at the fit of each analyte without a shift, for `sign_flip_orbit` and what builds on it.

    Without non-detects they are proportional to the changes, and the test is the classical sign-flip test.

    Args:
        bounds: limits of both members of every pair.
        recensor: first judge both members of a pair by the larger of their limits; needed wherever limits differ
            within pairs and the limit is not part of what changed.

    Returns:
        (subjects, analytes) scores in units of 1/value; NaN where there is no pair, 0 where a pair says nothing.
    """
    if recensor:
        bounds = recensor_bounds(bounds)
    exchanged = _second_first(bounds)
    data = pair_data(bounds.swap(exchanged))
    # A parameter may end at the edge of its range: the fit stays blind to the order within pairs, the test exact.
    parameters = fit_without_shift(data).parameters
    first, second = data.gradients_of_pairs(to_natural(parameters))[:2]
    # Half the difference of the slopes in the two means; a pair of equal members has exactly none.
    scores = np.where(_equal(bounds), 0.0, 0.5 * (second - first) / data.scale)
    present = np.where(bounds.present, scores, 0.0)
    largest = np.abs(present).max(axis=0, initial=0.0)
    scores = np.where(np.abs(scores) <= ROUNDED_SCORE * largest, 0.0, scores)
    return np.where(bounds.present, np.where(exchanged, -scores, scores), np.nan)


def censored_t(scores: np.ndarray, bounds: PairBounds) -> CensoredT:
    """Student's t of the scores: t = S·√((n − 1)/(n − S²)) with S = Σu/√Σu², on n − 1 df.

    n counts the pairs, those with both values in one interval (below one limit, say) as half: they say nothing of a
    change and only half as much of the spread. Without non-detects it is the paired t. Not a replacement of the exact
    test: non-detects make scores skewed.

    Args:
        scores: (subjects, analytes) scores of these pairs from `pair_scores`.
        bounds: limits of both members of every pair.
    """
    return score_t(scores, unknown_pairs(bounds))


def unknown_pairs(bounds: PairBounds) -> np.ndarray:
    """(subjects, analytes) pairs with both values in one interval once both are judged by the larger limit."""
    recensored = recensor_bounds(bounds)
    return _equal(recensored) & recensored.censored[0]


def count_pairs(pairs: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    """(analytes,) number of pairs, of which the `unknown` (subjects, analytes) count as half."""
    return pairs - (1 - UNKNOWN_PAIR_COUNTS) * unknown.sum(axis=0)


def score_t(scores: np.ndarray, unknown: np.ndarray) -> CensoredT:
    """The t of `censored_t` for scores (subjects, analytes), given which subjects say nothing of a change."""
    present = ~np.isnan(scores)
    pairs = present.sum(axis=0)
    n = count_pairs(pairs, unknown & present)
    s = sign_flip_statistics(scores)
    room = n - s**2
    enough = pairs >= 2
    # All scores equal: S² is n but for rounding, as the variance of equal changes is 0.
    equal = enough & (room <= 1e-12 * n)
    usable = enough & ~equal & ~np.isnan(s)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(usable, s * np.sqrt((n - 1) / room), np.nan)
    df = np.where(enough, n - 1.0, np.nan)
    note = add_note(empty_notes(len(pairs)), ~enough, count_note(2, "pairs", pairs))
    note = add_note(note, enough & np.isnan(s), NO_SCORE)
    note = add_note(note, equal, "all scores are equal: no p-value")
    return CensoredT(statistic, df, 2 * stats.t.sf(np.abs(statistic), df), note)


def _second_first(bounds: PairBounds) -> np.ndarray:
    """(subjects, analytes) pairs whose target interval comes first in the order of lower, then upper limits."""
    lower, upper = bounds.lower, bounds.upper
    return (lower[1] < lower[0]) | ((lower[1] == lower[0]) & (upper[1] < upper[0]))


def _equal(bounds: PairBounds) -> np.ndarray:
    lower, upper = bounds.lower, bounds.upper
    return (lower[0] == lower[1]) & (upper[0] == upper[1])
