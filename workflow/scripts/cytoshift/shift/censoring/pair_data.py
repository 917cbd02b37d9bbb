"""What does the likelihood need to know about the pairs of every analyte?

Each analyte is put on its own scale (centre 0, spread 1), the pairs are sorted by how much is known of them, and
what is known at both visits is reduced to moments.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cytoshift.shift.censoring.pair_bounds import PairBounds
from cytoshift.shift.censoring.pair_likelihood import (
    EXCHANGED,
    PARAMETERS,
    HalfKnownPairs,
    KnownPairs,
    Likelihood,
    Parts,
    UnknownPairs,
    half_known_parts,
    known_likelihood,
    sum_by_analyte,
    unknown_parts,
)
from cytoshift.shift.estimates import ROUNDING

# An interval narrower than this share of the analyte's spread counts as the value in its middle.
NARROW = 1e-4
# How far past its limit a non-detect is placed to begin the search, in units of the spread.
BEYOND_LIMIT = 0.5


@dataclass(frozen=True)
class PairData:
    """The pairs of A analytes in standard units: value = centre + scale × standard value.

    `pairs` and `known_values` (A,) count pairs and exactly known values. `half_known` holds the pairs known at the
    reference visit, then those known at the target visit. `middle` (2, subjects, A) has a value for every member,
    non-detects placed beyond their limit, NaN where there is no pair.
    """

    pairs: np.ndarray
    known_values: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    known: KnownPairs
    half_known: tuple[HalfKnownPairs, HalfKnownPairs]
    unknown: UnknownPairs
    middle: np.ndarray

    @property
    def informed(self) -> np.ndarray:
        """(A,) pairs that hold at least one exactly known value."""
        return self.pairs - np.bincount(self.unknown.analyte, minlength=len(self.pairs))

    def take(self, analytes: np.ndarray) -> PairData:
        """The data of the analytes of a boolean mask."""
        place = np.where(analytes, np.cumsum(analytes) - 1, -1)
        return PairData(
            self.pairs[analytes],
            self.known_values[analytes],
            self.centre[analytes],
            self.scale[analytes],
            self.known.take(analytes),
            (self.half_known[0].take(place), self.half_known[1].take(place)),
            self.unknown.take(place),
            self.middle[:, :, analytes],
        )

    def likelihood(self, parameters: np.ndarray) -> Likelihood:
        """Log-likelihood and derivatives at natural parameters (A, 5), in standard units."""
        total = known_likelihood(self.known, parameters)
        analytes = len(self.pairs)
        for analyte, parts, order in self._single_pairs(parameters):
            if len(analyte):
                more = sum_by_analyte(parts, analyte, analytes, order)
                total = Likelihood(
                    total.value + more.value, total.gradient + more.gradient, total.hessian + more.hessian
                )
        return total

    def gradients_of_pairs(self, parameters: np.ndarray) -> np.ndarray:
        """Derivatives of each pair's log-likelihood, (5, subjects, A); without meaning where there is no pair."""
        m1, m2, l1, l2, z = parameters.T
        h, k = (self.middle[0] - m1) * np.exp(-l1), (self.middle[1] - m2) * np.exp(-l2)
        up, down = np.exp(2 * z), np.exp(-2 * z)
        away, along = 0.5 * (1 + up) * (h - k), 0.5 * (1 + down) * (h + k)
        first, second = 0.5 * (away + along), 0.5 * (along - away)
        by_correlation = np.tanh(z) - 0.25 * (up * (h - k) ** 2 - down * (h + k) ** 2)
        gradients = np.stack([np.exp(-l1) * first, np.exp(-l2) * second, h * first - 1, k * second - 1, by_correlation])
        subjects = [pairs.subject for pairs in self.half_known] + [self.unknown.subject]
        for subject, (analyte, parts, order) in zip(subjects, self._single_pairs(parameters), strict=True):
            for i in range(PARAMETERS):
                gradients[order[i], subject, analyte] = parts.gradient[i]
        return gradients

    def _single_pairs(self, parameters: np.ndarray) -> list[tuple[np.ndarray, Parts, np.ndarray]]:
        first, second = self.half_known
        own = np.arange(PARAMETERS)
        return [
            (first.analyte, half_known_parts(first, parameters[first.analyte].T), own),
            (second.analyte, half_known_parts(second, parameters[second.analyte].T[EXCHANGED]), EXCHANGED),
            (self.unknown.analyte, unknown_parts(self.unknown, parameters[self.unknown.analyte].T), own),
        ]


def sum_of_subjects(panel: np.ndarray) -> np.ndarray:
    """Sum of each column of (subjects, analytes), NaN left out, with the same bits whatever the other columns are."""
    return np.ascontiguousarray(np.where(np.isnan(panel), 0.0, panel).T).sum(axis=1)


def pair_data(bounds: PairBounds) -> PairData:
    """Sort the pairs of every analyte by what is known of them, in standard units."""
    present = bounds.present
    lower, upper = bounds.lower, bounds.upper
    centre, scale = _location_and_spread(lower, upper)
    lower, upper = (lower - centre) / scale, (upper - centre) / scale
    middle = _middle(lower, upper)
    narrow = upper - lower <= NARROW
    lower, upper = np.where(narrow, middle, lower), np.where(narrow, middle, upper)
    known = narrow & present
    both, first, second = known[0] & known[1], known[0] & ~known[1], known[1] & ~known[0]
    neither = present & ~known[0] & ~known[1]

    def single(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # Analyte by analyte, subjects in order: a sum has the same bits whatever else is in the arrays.
        analyte, subject = np.nonzero(mask.T)
        return analyte, subject

    def ends(visit: int, analyte: np.ndarray, subject: np.ndarray) -> np.ndarray:
        return np.stack([lower[visit, subject, analyte], upper[visit, subject, analyte]])

    halves = []
    for visit, mask in ((0, first), (1, second)):
        analyte, subject = single(mask)
        halves.append(
            HalfKnownPairs(analyte, subject, middle[visit, subject, analyte], ends(1 - visit, analyte, subject))
        )
    analyte, subject = single(neither)
    return PairData(
        pairs=bounds.pairs,
        known_values=known.sum(axis=(0, 1)),
        centre=centre,
        scale=scale,
        known=_moments(middle, both),
        half_known=(halves[0], halves[1]),
        unknown=UnknownPairs(analyte, subject, ends(0, analyte, subject), ends(1, analyte, subject)),
        middle=middle,
    )


def _location_and_spread(lower: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and SD of all finite limits of an analyte (a known value counts twice); 1 where they do not differ."""
    limits = np.sort(np.concatenate([*lower, *upper]), axis=0)  # sorted: the bits do not depend on who came first
    finite = np.isfinite(limits)
    count = np.maximum(finite.sum(axis=0), 1)
    limits = np.where(finite, limits, np.nan)
    centre = sum_of_subjects(limits) / count
    largest = np.where(finite, np.abs(limits), 0.0).max(axis=0, initial=0.0)
    scale = np.sqrt(sum_of_subjects((limits - centre) ** 2) / count)
    return centre, np.where(scale > ROUNDING * largest, scale, 1.0)


def _middle(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """A number inside every interval of standard units."""
    low, high = np.where(lower == -np.inf, upper - 2 * BEYOND_LIMIT, lower), np.where(upper == np.inf, lower, upper)
    return 0.5 * (low + np.where(upper == np.inf, lower + 2 * BEYOND_LIMIT, high))


def _moments(middle: np.ndarray, both: np.ndarray) -> KnownPairs:
    count = both.sum(axis=0)
    divisor = np.maximum(count, 1)
    sums, changes = (np.where(both, part, np.nan) for part in (middle[0] + middle[1], middle[1] - middle[0]))
    mean_sum, mean_change = sum_of_subjects(sums) / divisor, sum_of_subjects(changes) / divisor
    s, d = sums - mean_sum, changes - mean_change
    return KnownPairs(
        count, mean_sum, mean_change, sum_of_subjects(s**2), sum_of_subjects(d**2), sum_of_subjects(s * d)
    )
