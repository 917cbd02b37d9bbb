"""Which values of a contrast are known as intervals only, and between which limits do its changes lie?"""

from __future__ import annotations

from itertools import product

import numpy as np

from cytoshift.shift.censoring.interval_regression import difference_bounds
from cytoshift.shift.censoring.pair_bounds import PairBounds, bounds_of_sides, limits_of_side, recensor_bounds
from cytoshift.shift.censoring.pair_sums import PairSum, pair_sum
from cytoshift.shift.comparison import Comparison
from cytoshift.shift.grid import ABOVE, BELOW, MISSING
from cytoshift.shift.orders.periods import Sides
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

    One visit cannot be exchanged with several, so flips are not exact there; the scores of `sum_scores` hold their
    level all the same [4.2–5.7 for two visits against one, 8 to 40 pairs, up to 60 % non-detects; a censored fit of the
    means themselves: 9–23 at 40 pairs].
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


def is_one_change(comparison: Comparison) -> bool:
    """Do two single values of each subject, rather than means of visits, make up what is compared?"""
    return is_pair(comparison) and all(len(side.members) <= 1 for side in comparison.sides)


def count_recensored(comparison: Comparison) -> np.ndarray:
    """Values (features,) that were judged by the limit of their pair's other member, in any pair that is added up."""
    if comparison.kind != "paired" or is_one_change(comparison):
        return comparison.recensored
    judged: dict[int, np.ndarray] = {}
    for _, *sides, bounds in _weighted_pairs(_weighted_sides(comparison)):
        again = recensor_bounds(bounds)
        moved = ((again.lower != bounds.lower) | (again.upper != bounds.upper)) & bounds.present
        for side, own in zip(sides, moved, strict=True):
            judged[id(side)] = own | judged.get(id(side), np.zeros_like(own))
    return np.asarray(np.sum([own.sum(axis=0) for own in judged.values()], axis=0))


def pair_sum_of(comparison: Comparison) -> PairSum:
    """The pairs whose changes add up to what is compared within subjects: each visit of a mean has its own.

    Means of as many visits are compared visit by visit, in their order, so that exchanging them exchanges the pairs;
    other means every visit with every visit. A change less that under a control condition is the difference between
    the conditions at the target visit, less that at the reference visit.
    Raises ValueError for a comparison that is not within subjects.
    """
    return _added(_weighted_sides(comparison))


def pair_sum_between(first: Sides, second: Sides) -> PairSum:
    """The pairs whose changes add up to `second` − `first`, each (reference, target) of the same subjects.

    Without a reference the target values are compared, otherwise their changes from it.
    """
    return _added(_between(first, second))


def _weighted_sides(comparison: Comparison) -> list[tuple[float, Side, Side]]:
    if comparison.kind != "paired":
        raise ValueError(f"contrast {comparison.contrast.id} does not compare values of the same subjects")
    if comparison.control is None:
        return [(1.0, _there(comparison, comparison.reference), comparison.target)]
    return _between(comparison.control, (comparison.reference, comparison.target))


def _between(first: Sides, second: Sides) -> list[tuple[float, Side, Side]]:
    weighted = [(1.0, first[1], second[1])]
    if first[0] is not None and second[0] is not None:
        weighted.append((-1.0, first[0], second[0]))
    return weighted


def _added(weighted: list[tuple[float, Side, Side]]) -> PairSum:
    pairs = _weighted_pairs(weighted)
    return pair_sum([bounds for *_, bounds in pairs], [weight for weight, *_ in pairs])


def _weighted_pairs(weighted: list[tuple[float, Side, Side]]) -> list[tuple[float, Side, Side, PairBounds]]:
    """Weight, both visits and the limits of each change that is added up, for subjects who have all of them."""
    complete = np.all([side.status != MISSING for _, *sides in weighted for side in sides], axis=0)
    found = []
    for sign, before, after in weighted:
        pairs = _pairs_of_visits(before, after)
        weight = sign / len(pairs)
        found += [(weight, first, second, bounds_of_sides(first, second).only(complete)) for first, second in pairs]
    return found


def _pairs_of_visits(before: Side, after: Side) -> list[tuple[Side, Side]]:
    firsts, seconds = before.members or (before,), after.members or (after,)
    return list(zip(firsts, seconds, strict=True) if len(firsts) == len(seconds) else product(firsts, seconds))


def _there(comparison: Comparison, side: Side | None) -> Side:
    if side is None:
        raise ValueError(f"contrast {comparison.contrast.id}: a change needs a reference visit")
    return side


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
    return difference_bounds(*limits_of_side(_there(comparison, before)), *limits_of_side(after))
