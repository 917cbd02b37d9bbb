"""Which features of a family moved, with the chance of even one false claim held at alpha?

Westfall–Young max-T: all features are rearranged together, so the correlation between them is used, not feared.
"""

from dataclasses import dataclass

import numpy as np

from cytoshift.shift.exact.rearrangements import DRAWS_PER_BATCH, FEATURES_PER_BLOCK, Orbit, spans


@dataclass(frozen=True)
class MaxT:
    """Adjusted p-values of one family; arrays have one entry per feature.

    Attributes:
        statistic: S, NaN where undefined.
        single_step: p-value of |S| against the largest |S*| of the whole family.
        step_down: p-value against the largest |S*| of the features not yet passed; never above `single_step`.
        included: whether the feature took part; those left out have p-value 1.
        smallest_adjusted_p: the smallest adjusted p-value any feature of this family could have had (both methods).
    """

    statistic: np.ndarray
    single_step: np.ndarray
    step_down: np.ndarray
    included: np.ndarray
    smallest_adjusted_p: float


def max_t(orbit: Orbit, *, include: np.ndarray | None = None, batch: int = DRAWS_PER_BATCH) -> MaxT:
    """Single-step and step-down max-T p-values on |S|, from the same rearrangements for all features.

    Single-step: p_j = share of max_k |S*_k| ≥ |S_j|. Step-down: with features ordered by falling |S|, p_(i) is the
    largest, over i' ≤ i, of the share of max_{k ≥ i'} |S*_(k)| ≥ |S_(i')|. Ties count. Both control the family-wise
    error whichever features moved: the joint distribution of those that did not is that of their own rearrangements.
    Reference: Westfall & Young (1993), Resampling-Based Multiple Testing, algorithm 4.1 and its step-down form.

    Args:
        orbit: S* of every feature and rearrangement.
        include: (features,) mask of those taking part. It must be a function of |scores| only (such as
            `smallest_p <= alpha`): a choice that looks at the signs or the p-values destroys the guarantee.
        batch: draws per block; the result does not depend on it.

    Returns:
        The adjusted p-values, in the order of the features.
    """
    observed = np.abs(orbit.observed())
    defined = orbit.defined
    included = np.ones(len(observed), dtype=bool) if include is None else np.asarray(include, dtype=bool)
    if included.shape != observed.shape:
        raise ValueError(f"include has {included.size} entries for {observed.size} features")
    single = np.ones(len(observed))
    down = np.ones(len(observed))
    smallest = 1.0
    chosen = np.flatnonzero(included)
    if chosen.size:
        # Ascending |S|: the running maximum then grows from the least to the most extreme feature.
        ascending = chosen[np.argsort(observed[chosen], kind="stable")]
        thresholds = (observed - orbit.tolerance)[ascending]
        counts, maxima = _count_running_maxima(orbit.take(ascending), thresholds, batch)
        down[ascending] = np.maximum.accumulate(counts[::-1])[::-1] / orbit.draws
        maxima.sort()
        single[ascending] = (orbit.draws - np.searchsorted(maxima, thresholds, side="left")) / orbit.draws
        largest = maxima[-1] - orbit.tolerance[ascending].max()
        smallest = (orbit.draws - int(np.searchsorted(maxima, largest, side="left"))) / orbit.draws
    return MaxT(
        statistic=np.where(defined, orbit.observed(), np.nan),
        single_step=single,
        step_down=down,
        included=included,
        smallest_adjusted_p=smallest,
    )


def _count_running_maxima(orbit: Orbit, thresholds: np.ndarray, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Per feature, how often the running maximum of |S*| up to it reaches its threshold; and the family's maxima."""
    counts = np.zeros(len(thresholds), dtype=np.int64)
    maxima = np.empty(orbit.draws)
    for draws in spans(orbit.draws, batch):
        before = np.zeros(draws.stop - draws.start)
        for features in spans(len(thresholds), FEATURES_PER_BLOCK):
            block = orbit.statistics(features, draws)
            after = np.maximum(np.maximum(block.max(axis=0), -block.min(axis=0)), before)
            counts[features] += _count_in_block(block, before, after, thresholds[features])
            before = after
        maxima[draws] = before
    return counts, maxima


def _count_in_block(
    block: np.ndarray, before: np.ndarray, after: np.ndarray, thresholds: np.ndarray
) -> np.ndarray | np.int64:
    """Draws whose running maximum reaches each threshold; `before` and `after` are that maximum around the block.

    Features come in the order of |S|, so the thresholds of a block differ little and nearly every draw reaches all of
    them before the block or none of them by its end: the maximum feature by feature is needed for the others only.
    """
    all_reached = before >= thresholds.max()
    settled = np.count_nonzero(all_reached)
    open_draws = np.flatnonzero(~all_reached & (after >= thresholds.min()))
    if not open_draws.size:
        return np.int64(settled)
    running = np.abs(block[:, open_draws].T, order="C")
    np.maximum(running[:, 0], before[open_draws], out=running[:, 0])
    np.maximum.accumulate(running, axis=1, out=running)
    return np.count_nonzero(running >= thresholds, axis=0) + settled
