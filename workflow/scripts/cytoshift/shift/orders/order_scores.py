"""How much does each subject speak for a difference between two periods, whoever took which condition then?"""

from __future__ import annotations

import numpy as np

from cytoshift.shift.censoring.pair_bounds import bounds_of_sides
from cytoshift.shift.censoring.pair_scores import pair_scores
from cytoshift.shift.censoring.pair_sums import sum_scores
from cytoshift.shift.grid import ABOVE, BELOW, MISSING
from cytoshift.shift.intervals import pair_sum_between
from cytoshift.shift.orders.periods import Sides
from cytoshift.shift.sides import Side


def period_scores(
    first: Sides, second: Sides, turned: np.ndarray, detection: np.ndarray, intervals: np.ndarray
) -> np.ndarray:
    """Scores (subjects, features) of the later less the earlier of two periods, for redistributions of orders.

    They depend on the conditions through the values of each period alone: differences where every value is known,
    differences of detection where the mask `detection` (features,) says so, and under `intervals` (features,) slopes of
    the likelihood of non-detects as intervals: of `pair_scores` for two values of a subject, of `sum_scores` for means
    of visits and for two changes.

    Args:
        first: (reference, target) values of every subject; reference is None without a change.
        second: the same; the score is second − first.
        turned: (subjects,) where `second` came first.
        detection: (features,) tested on detection.
        intervals: (features,) with non-detects that stay intervals.
    """
    sign = np.where(turned, -1.0, 1.0)[:, None]
    scores = sign * np.where(detection, _less(second, first, "detected"), _less(second, first, "tested"))
    if not intervals.any():
        return scores
    rows = np.ones(len(turned), dtype=bool)
    first, second = (_columns(one, rows, intervals) for one in (first, second))
    if second[0] is None and max(len(first[1].members), len(second[1].members)) <= 1:
        scores[:, intervals] = sign * pair_scores(bounds_of_sides(first[1], second[1]))
        return scores
    scores[:, intervals] = sign * sum_scores(pair_sum_between(first, second))
    return scores


def non_detects_of(sides: list[Sides], limit: float) -> tuple[np.ndarray, np.ndarray]:
    """Features (features,) with a larger share of non-detects below than `limit`, and features with any non-detect."""
    status = np.stack([side.status for pair in sides for side in pair if side is not None])
    present, below = (found.sum(axis=(0, 1)) for found in (status != MISSING, status == BELOW))
    hidden = np.isin(status, (BELOW, ABOVE)).sum(axis=(0, 1))
    return np.asarray(below > limit * present), np.asarray(hidden > 0)


def _less(second: Sides, first: Sides, name: str) -> np.ndarray:
    def change(before: Side | None, after: Side) -> np.ndarray:
        value: np.ndarray = getattr(after, name)
        return value if before is None else value - getattr(before, name)

    return change(*second) - change(*first)


def _columns(sides: Sides, rows: np.ndarray, features: np.ndarray) -> Sides:
    before, after = sides
    return (None if before is None else before.take(rows, features)), after.take(rows, features)
