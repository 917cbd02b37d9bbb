"""Which shifts would the exact test of a family not have rejected? The interval that agrees with its p-value."""

from __future__ import annotations

import numpy as np

from cytoshift.shift.censoring.pair_bounds import PairBounds
from cytoshift.shift.censoring.pair_scores import pair_scores
from cytoshift.shift.censoring.pair_sums import PairSum, sum_scores
from cytoshift.shift.exact.flips import sign_flip_interval, sign_flip_orbit
from cytoshift.shift.exact.rearrangements import Rearrangements, two_sided_p

# Places on the way in from each side at which the test is asked before the limit is closed in on.
STOPS = 32
# How often the search for a difference of changes may go out farther than its values lie, twice as far each time.
FARTHER = 3
HALVINGS = 16


def shift_p(bounds: PairBounds | PairSum, shift: np.ndarray, flips: Rearrangements) -> np.ndarray:
    """Two-sided sign-flip p-value of the hypothesis that the target values are the reference values plus `shift`.

    The target intervals are moved back by the shift, both members of a pair are judged by the larger of their limits,
    and the scores are computed afresh.

    Args:
        bounds: limits of both members of every pair, or of the pairs of every change that is added up.
        shift: (analytes,) hypothetical changes, of the sum where there are several.
        flips: sign patterns of the subjects.

    Returns:
        (analytes,) p-values.
    """
    moved = bounds.shift_target(shift)
    scores = pair_scores(moved) if isinstance(moved, PairBounds) else sum_scores(moved)
    return two_sided_p(sign_flip_orbit(scores, flips))


def inverted_interval(
    bounds: PairBounds | PairSum, flips: Rearrangements, *, alpha: float = 0.05
) -> tuple[np.ndarray, np.ndarray]:
    """Hull of the shifts that the sign-flip test does not reject at alpha; it agrees with the test about 0.

    Each limit is sought from far outside inwards: the first of `STOPS` evenly spaced shifts that is accepted, then by
    halving. An accepted stretch narrower than the spacing that lies apart from the others may be missed. Without
    non-detects the limits are exact (`sign_flip_interval`).
    Reference: Garthwaite (1996), Confidence intervals from randomization tests, Biometrics 52, 1387–1393.

    Args:
        bounds: limits of both members of every pair, or of the pairs of every change that is added up.
        flips: sign patterns of the subjects.
        alpha: 1 − confidence level.

    Returns:
        Lower and upper limits (analytes,): infinite where no shift on that side is rejected, NaN without pairs.
    """
    known = np.asarray(~bounds.censored.any(axis=(0, 1)))
    low, high = np.full(len(known), np.nan), np.full(len(known), np.nan)
    if known.any():
        exact = bounds.take(known)
        low[known], high[known] = sign_flip_interval(exact.change, flips, alpha=alpha)
    searched = ~known & (bounds.pairs > 0)
    if searched.any():
        low[searched], high[searched] = _search(bounds.take(searched), flips, alpha)
    return low, high


def _search(bounds: PairBounds | PairSum, flips: Rearrangements, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Both limits at once: the analytes stand twice side by side, first for the lower limit, then for the upper."""
    analytes = len(bounds.pairs)
    outermost_low, outermost_high = _outermost(bounds)
    twice = bounds.take(np.tile(np.arange(analytes), 2))
    start = np.concatenate([outermost_low, outermost_high])
    end = np.concatenate([outermost_high, outermost_low])

    def accepted(shift: np.ndarray, who: np.ndarray) -> np.ndarray:
        return shift_p(twice.take(who), shift, flips) > alpha

    limit = np.concatenate([np.full(analytes, -np.inf), np.full(analytes, np.inf)])
    everyone = np.arange(2 * analytes)
    if isinstance(bounds, PairSum) and min(bounds.weights) < 0:
        # What is taken off stays where it is, so that subjects go on turning long after their added pairs have.
        for doubling in range(FARTHER):
            start = start + np.where(accepted(start, everyone), 2.0**doubling * (start - end), 0.0)
    outside, inside = start.copy(), np.full(2 * analytes, np.nan)
    seeking = everyone[~accepted(start, everyone)]
    bounded = seeking
    for stop in range(1, STOPS + 1):
        if not len(seeking):
            break
        place = start[seeking] + stop / STOPS * (end - start)[seeking]
        found = accepted(place, seeking)
        inside[seeking[found]] = place[found]
        outside[seeking[~found]] = place[~found]
        seeking = seeking[~found]
    limit[seeking] = np.nan
    closing = np.setdiff1d(bounded, seeking)
    for _ in range(HALVINGS):
        middle = 0.5 * (inside[closing] + outside[closing])
        if not len(closing):
            break
        found = accepted(middle, closing)
        inside[closing[found]] = middle[found]
        outside[closing[~found]] = middle[~found]
    # The last rejected shift: the limit itself is then never cut off.
    limit[closing] = outside[closing]
    low, high = limit[:analytes], limit[analytes:]
    zero = shift_p(bounds, np.zeros(analytes), flips) > alpha
    return np.where(zero, np.fmin(low, 0.0), low), np.where(zero, np.fmax(high, 0.0), high)


def _outermost(bounds: PairBounds | PairSum) -> tuple[np.ndarray, np.ndarray]:
    """Shifts beyond which every added pair that still says something says the same."""
    if isinstance(bounds, PairBounds):
        return _ends(bounds)
    added = [_ends(part) for w, part in zip(bounds.weights, bounds.parts, strict=True) if w > 0]
    low, high = np.min([ends[0] for ends in added], axis=0), np.max([ends[1] for ends in added], axis=0)
    for w, part in zip(bounds.weights, bounds.parts, strict=True):
        if w < 0:
            first, last = _ends(part)
            low, high = low + w * last, high + w * first
    return low, high


def _ends(bounds: PairBounds) -> tuple[np.ndarray, np.ndarray]:
    lower, upper = bounds.lower, bounds.upper
    with np.errstate(invalid="ignore"):
        limits = np.concatenate([lower[1] - lower[0], lower[1] - upper[0], upper[1] - lower[0], upper[1] - upper[0]])
    finite = np.isfinite(limits)
    lowest = np.where(finite, limits, np.inf).min(axis=0)
    highest = np.where(finite, limits, -np.inf).max(axis=0)
    lowest, highest = np.where(np.isfinite(lowest), lowest, 0.0), np.where(np.isfinite(highest), highest, 0.0)
    margin = 0.05 * (highest - lowest) + 1e-6 * (1 + np.abs(highest))
    return lowest - margin, highest + margin
