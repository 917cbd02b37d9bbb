"""Between which limits do the two values of each pair lie, on the scale of the analysis?

A value known exactly has two equal limits, a non-detect has one infinite limit, a missing pair has none (NaN).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cytoshift.shift.grid import ABOVE, BELOW, MISSING
from cytoshift.shift.sides import Side


@dataclass(frozen=True)
class PairBounds:
    """Limits of shape (subjects, analytes) at the reference and the target visit; NaN in all four: no pair."""

    reference_lower: np.ndarray
    reference_upper: np.ndarray
    target_lower: np.ndarray
    target_upper: np.ndarray

    @property
    def lower(self) -> np.ndarray:
        """(2, subjects, analytes) lower limits: reference, target."""
        return np.stack([self.reference_lower, self.target_lower])

    @property
    def upper(self) -> np.ndarray:
        """(2, subjects, analytes) upper limits: reference, target."""
        return np.stack([self.reference_upper, self.target_upper])

    @property
    def present(self) -> np.ndarray:
        """(subjects, analytes) whether there is a pair."""
        return ~np.isnan(self.reference_lower)

    @property
    def pairs(self) -> np.ndarray:
        """(analytes,) number of pairs."""
        return self.present.sum(axis=0)

    @property
    def censored(self) -> np.ndarray:
        """(2, subjects, analytes) whether a value is known as an interval only."""
        return self.lower < self.upper

    @property
    def non_detect_share(self) -> np.ndarray:
        """(analytes,) share of values known as an interval only; NaN without pairs."""
        count = 2.0 * self.pairs
        return np.divide(self.censored.sum(axis=(0, 1)), count, out=np.full(count.shape, np.nan), where=count > 0)

    @property
    def change(self) -> np.ndarray:
        """(subjects, analytes) target − reference; a number only where both values are known."""
        with np.errstate(invalid="ignore"):
            return self.target_lower - self.reference_lower

    def take(self, analytes: np.ndarray) -> PairBounds:
        """The same pairs for the analytes of a mask or of indices."""
        return PairBounds(
            self.reference_lower[:, analytes],
            self.reference_upper[:, analytes],
            self.target_lower[:, analytes],
            self.target_upper[:, analytes],
        )

    def only(self, pairs: np.ndarray) -> PairBounds:
        """The pairs of a mask (subjects,) or (subjects, analytes); the others are missing."""
        mask = pairs if np.ndim(pairs) == 2 else np.asarray(pairs)[:, None]
        return PairBounds(*(np.where(mask, limit, np.nan) for limit in vars(self).values()))

    def swap(self, pairs: np.ndarray) -> PairBounds:
        """The two visits exchanged where the mask (subjects,) or (subjects, analytes) is true."""
        mask = np.broadcast_to(pairs if np.ndim(pairs) == 2 else np.asarray(pairs)[:, None], self.present.shape)
        return PairBounds(
            np.where(mask, self.target_lower, self.reference_lower),
            np.where(mask, self.target_upper, self.reference_upper),
            np.where(mask, self.reference_lower, self.target_lower),
            np.where(mask, self.reference_upper, self.target_upper),
        )

    def shift_target(self, by: np.ndarray) -> PairBounds:
        """Every target limit less `by` (analytes,): the pairs as they would be without a change of that size."""
        return PairBounds(self.reference_lower, self.reference_upper, self.target_lower - by, self.target_upper - by)


def pair_bounds(
    reference_lower: ArrayLike, reference_upper: ArrayLike, target_lower: ArrayLike, target_upper: ArrayLike
) -> PairBounds:
    """Limits of the values of all pairs, checked; a pair with an unknown member is missing as a whole.

    Args:
        reference_lower: (subjects, analytes) lower limits at the reference visit on the analysis scale: the value
            itself where it is known, −inf below a limit, NaN where it is missing.
        reference_upper: (subjects, analytes) upper limits, +inf above a limit.
        target_lower: (subjects, analytes) the same at the target visit.
        target_upper: (subjects, analytes) the same at the target visit.

    Raises:
        ValueError: shapes differ, a lower limit exceeds its upper limit, or both are infinite on one side.
    """
    written = (reference_lower, reference_upper, target_lower, target_upper)
    bounds = [np.asarray(limits, dtype=float) for limits in written]
    if bounds[0].ndim != 2 or any(limits.shape != bounds[0].shape for limits in bounds):
        shapes = ", ".join(str(limits.shape) for limits in bounds)
        raise ValueError(f"the four limits need one shape (subjects, analytes), not {shapes}")
    missing = np.zeros(bounds[0].shape, dtype=bool)
    for lower, upper in (bounds[:2], bounds[2:]):
        if (lower > upper).any() or (lower == np.inf).any() or (upper == -np.inf).any():
            raise ValueError("an interval needs lower ≤ upper, and a value somewhere in it")
        # A value that may be anything says as much as one that is missing.
        missing |= np.isnan(lower) | np.isnan(upper) | ((lower == -np.inf) & (upper == np.inf))
    return PairBounds(*(np.where(missing, np.nan, limits) for limits in bounds))


def bounds_of_sides(reference: Side, target: Side) -> PairBounds:
    """Limits of the values of two sides of a comparison; extrapolated values count as known."""
    return pair_bounds(*limits_of_side(reference), *limits_of_side(target))


def limits_of_side(side: Side) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper limits (subjects, features) of the values of one side; equal where known, NaN where missing."""
    shown = np.where(side.status == MISSING, np.nan, side.shown)
    return np.where(side.status == BELOW, -np.inf, shown), np.where(side.status == ABOVE, np.inf, shown)


def recensor_bounds(bounds: PairBounds) -> PairBounds:
    """Judge both members of a pair by the larger of their limits, so that a change of limit is no change.

    Where a member is below a limit, both that lie wholly at or under the larger such limit of the pair become below
    it; above a limit the mirror rule holds with the smaller one (METHODS §3). The rule is blind to which member came
    first, so what follows from it stays exact under swaps.
    """
    lower, upper = bounds.lower, bounds.upper
    floor = np.where(lower == -np.inf, upper, -np.inf).max(axis=0)
    ceiling = np.where(upper == np.inf, lower, np.inf).min(axis=0)
    under, over = (upper <= floor) & (floor > -np.inf), (lower >= ceiling) & (ceiling < np.inf)
    # A floor at or above a ceiling contradicts itself; such values stay as they were written.
    clear = floor < ceiling
    under, over = under & clear, over & clear
    lower = np.where(under, -np.inf, np.where(over, ceiling, lower))
    upper = np.where(under, floor, np.where(over, np.inf, upper))
    return PairBounds(lower[0], upper[0], lower[1], upper[1])
