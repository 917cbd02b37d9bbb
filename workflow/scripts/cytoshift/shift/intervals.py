"""Which values of a contrast are known as intervals only, and between which limits do its changes lie?"""

from __future__ import annotations

import numpy as np

from cytoshift.shift.censoring.interval_regression import difference_bounds
from cytoshift.shift.censoring.pair_bounds import PairBounds, bounds_of_sides, limits_of_side
from cytoshift.shift.comparison import Comparison
from cytoshift.shift.grid import ABOVE, BELOW
from cytoshift.shift.sides import Side
from cytoshift.study.contrasts import visits_of
from cytoshift.study.study import ShiftPlan

Limits = tuple[np.ndarray, np.ndarray]


def interval_features(comparison: Comparison, plan: ShiftPlan) -> np.ndarray:
    """Features with a non-detect among the values that can be used, where the plan keeps them as intervals."""
    if plan.limits.policy != "censored":
        return np.zeros(len(comparison.features), dtype=bool)
    usable = comparison.present.all(axis=0)
    return np.asarray((comparison.with_status(BELOW, ABOVE) & usable).any(axis=(0, 1)))


def is_pair(comparison: Comparison) -> bool:
    """Are two values of each subject compared, rather than two differences or two arms?"""
    return comparison.kind == "paired" and (comparison.reference is None) != (comparison.control is None)


def unlike_features(comparison: Comparison) -> np.ndarray:
    """Features with non-detects where a mean of visits is compared with one visit, or a mean of another number.

    A mean with one non-detect is known below a limit that its other visits set, and is detected more rarely: such
    values are not exchangeable, even where nothing happened [sign flips of two visits against one reject in 9, 15 and
    23 at 20, 40 and 60 % non-detects, 40 pairs; up to 6 at 12].
    """
    contrast = comparison.contrast
    alike = len(visits_of(contrast.reference)) == len(visits_of(contrast.target))
    if alike or comparison.kind != "paired" or comparison.control is not None:
        return np.zeros(len(comparison.features), dtype=bool)
    usable = comparison.present.all(axis=0)
    return np.asarray((comparison.with_status(BELOW, ABOVE) & usable).any(axis=(0, 1)))


def bounds_of_pairs(comparison: Comparison) -> PairBounds:
    """Limits of the two values of each subject as they were written: two visits, or two conditions at one visit.

    Raises ValueError for a comparison that `is_pair` denies.
    """
    reference, target = comparison.written
    if reference is None and comparison.control is not None:
        reference = comparison.control[1]
    if reference is None or not is_pair(comparison):
        raise ValueError(f"contrast {comparison.contrast.id} does not compare two values of a subject")
    return bounds_of_sides(reference, target)


def limits_of_change(comparison: Comparison) -> Limits:
    """Limits (subjects, features) of each subject's change, less that under the control condition where there is one.

    Raises ValueError for a comparison without a reference visit.
    """
    if comparison.control is None:
        return _change(comparison, *comparison.written)
    # Exchanging the conditions must change the sign and nothing else: both are taken as censored again.
    own = _change(comparison, comparison.reference, comparison.target)
    return difference_bounds(*_change(comparison, *comparison.control), *own)


def _change(comparison: Comparison, before: Side | None, after: Side) -> Limits:
    if before is None:
        raise ValueError(f"contrast {comparison.contrast.id}: a change needs a reference visit")
    return difference_bounds(*limits_of_side(before), *limits_of_side(after))
