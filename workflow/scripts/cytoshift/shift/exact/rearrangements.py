"""If nothing had happened, which rearrangements of the data were equally likely, and where do the data at hand stand?

Sign flips of pairs and relabellings of arms differ only in what is rearranged. Both give, for every feature j and every
rearrangement, a statistic S*_j; everything that follows (p-values, max-T, the global test) only counts. An orbit hands
out S* block by block, so memory stays at one block; counts are integers, so their sum does not depend on the blocks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np

# Sums that are equal in arithmetic differ in floating point by about 1e-16 of their terms; anything closer than this
# share of the sum of absolute terms is a tie, and ties count as "at least as extreme".
TIE_TOLERANCE = 1e-9

# One block of S* (features × draws) of this shape stays in a core's cache: larger blocks are slower, not faster.
FEATURES_PER_BLOCK = 256
DRAWS_PER_BATCH = 256


@dataclass(frozen=True)
class Rearrangements:
    """The equally likely rearrangements of n subjects, the same ones for every feature.

    Attributes:
        weights: (subjects, draws) signs of the pairs, or arm labels (1 = target arm). Draw 0 is the data as they are.
        complete: all of them are listed; otherwise they are random draws with the data as they are included.
        mirrored: each draw also stands for its negation, which is not listed (sign flips: S*(−ε) = −S*(ε)).
    """

    weights: np.ndarray
    complete: bool
    mirrored: bool

    @property
    def draws(self) -> int:
        """The number of rearrangements listed, the data as they are included."""
        return int(self.weights.shape[1])


class Orbit(Protocol):
    """S of every feature under every rearrangement, computed on demand; draw 0 is the data as they are."""

    @property
    def draws(self) -> int:
        """The number of rearrangements listed."""

    @property
    def complete(self) -> bool:
        """Whether all rearrangements are listed."""

    @property
    def mirrored(self) -> bool:
        """Whether each draw also stands for its negation."""

    @property
    def defined(self) -> np.ndarray:
        """(features,) True where S exists: at least one subject carries information."""

    @property
    def tolerance(self) -> np.ndarray:
        """(features,) two values of S closer than this are tied."""

    def observed(self) -> np.ndarray:
        """(features,) S of the data as they are, 0 where undefined."""

    def statistics(self, features: slice, draws: slice) -> np.ndarray:
        """(features, draws) S* of a block."""

    def take(self, features: np.ndarray) -> Self:
        """The same orbit for these features (indices or a mask), in this order."""


@dataclass(frozen=True)
class LinearOrbit:
    """S*_j = Σ_i w*_i z_ij: the weights are rearranged, the standardised scores z stay.

    Attributes:
        rearrangements: the weights w*, shared by all features.
        scores: (features, subjects) standardised scores; 0 where a subject says nothing about a feature.
    """

    rearrangements: Rearrangements
    scores: np.ndarray

    @property
    def draws(self) -> int:
        """The number of rearrangements listed."""
        return self.rearrangements.draws

    @property
    def complete(self) -> bool:
        """Whether all rearrangements are listed."""
        return self.rearrangements.complete

    @property
    def mirrored(self) -> bool:
        """Whether each draw also stands for its negation."""
        return self.rearrangements.mirrored

    @property
    def defined(self) -> np.ndarray:
        """(features,) True where a score differs from 0."""
        return np.any(self.scores != 0, axis=1)

    @property
    def tolerance(self) -> np.ndarray:
        """(features,) 1e-9 · Σ|z|."""
        return TIE_TOLERANCE * np.abs(self.scores).sum(axis=1)

    def observed(self) -> np.ndarray:
        """(features,) S of the data as they are: a sum of its own, so that its bits do not depend on the blocks."""
        return (self.scores * self.rearrangements.weights[:, 0]).sum(axis=1)

    def statistics(self, features: slice, draws: slice) -> np.ndarray:
        """(features, draws) S* of a block."""
        return self.scores[features] @ self.rearrangements.weights[:, draws]

    def take(self, features: np.ndarray) -> Self:
        """The same orbit for these features, in this order."""
        return replace(self, scores=self.scores[features])


@dataclass(frozen=True)
class ExactTest:
    """The two-sided test of each feature on its own; every attribute has one entry per feature.

    Attributes:
        statistic: S, NaN where undefined.
        p_value: share of rearrangements with |S*| at least |S|, ties counted; 1 where S is undefined.
        n_informative: pairs or subjects that carry information.
        smallest_p: the smallest p-value these data could have given.
        note: why there is no statistic; empty otherwise.
    """

    statistic: np.ndarray
    p_value: np.ndarray
    n_informative: np.ndarray
    smallest_p: np.ndarray
    note: tuple[str, ...]


def spans(total: int, size: int) -> Iterator[slice]:
    """Consecutive slices of at most `size` that cover range(total)."""
    if size < 1:
        raise ValueError(f"a batch holds at least one draw, got {size}")
    for start in range(0, total, size):
        yield slice(start, min(start + size, total))


def count_reaching(orbit: Orbit, thresholds: np.ndarray, *, batch: int = DRAWS_PER_BATCH) -> np.ndarray:
    """Count, for each feature, the rearrangements with |S*| ≥ threshold.

    Args:
        orbit: S* of every feature and rearrangement.
        thresholds: (features,) on the scale of S; the caller subtracts the tolerance.
        batch: draws per block; the counts do not depend on it.

    Returns:
        (features,) integer counts among `orbit.draws`.
    """
    counts = np.zeros(len(thresholds), dtype=np.int64)
    for draws in spans(orbit.draws, batch):
        for features in spans(len(thresholds), FEATURES_PER_BLOCK):
            reached = np.abs(orbit.statistics(features, draws)) >= thresholds[features, None]
            counts[features] += np.count_nonzero(reached, axis=1)
    return counts


def two_sided_p(orbit: Orbit, *, batch: int = DRAWS_PER_BATCH) -> np.ndarray:
    """Two-sided p-value of each feature on its own: the share of rearrangements with |S*| ≥ |S|, ties counted.

    With random draws the data as they are is one of the draws, so this is (b + 1)/(B + 1).

    Args:
        orbit: S* of every feature and rearrangement.
        batch: draws per block; the result does not depend on it.

    Returns:
        (features,) p-values; 1 where S is undefined.
    """
    return count_reaching(orbit, np.abs(orbit.observed()) - orbit.tolerance, batch=batch) / orbit.draws


def smallest_two_sided_p(orbit: Orbit, *, batch: int = DRAWS_PER_BATCH) -> np.ndarray:
    """The p-value each feature would have at its own most extreme rearrangement.

    Exact where the orbit is complete; with random draws, the most extreme draw stands for it.

    Args:
        orbit: S* of every feature and rearrangement.
        batch: draws per block; the result does not depend on it.

    Returns:
        (features,) smallest attainable p-values.
    """
    tolerance = orbit.tolerance
    extreme = np.zeros(len(tolerance))
    for draws in spans(orbit.draws, batch):
        for features in spans(len(tolerance), FEATURES_PER_BLOCK):
            block = np.abs(orbit.statistics(features, draws)).max(axis=1)
            np.maximum(extreme[features], block, out=extreme[features])
    return count_reaching(orbit, extreme - tolerance, batch=batch) / orbit.draws
