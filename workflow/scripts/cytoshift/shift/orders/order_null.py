"""Which other orders of conditions could as well have been drawn, and where does the true one stand among them?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cytoshift.shift.comparison import Comparison
from cytoshift.shift.covariates import strata_of
from cytoshift.shift.exact.flips import contrast_rng
from cytoshift.shift.exact.rearrangements import LinearOrbit, Rearrangements
from cytoshift.shift.orders.crossover import PeriodOrder
from cytoshift.shift.orders.crossover_labels import (
    order_orbit,
    order_relabellings,
    sequence_orbit,
    sequence_relabellings,
)
from cytoshift.shift.orders.order_scores import non_detects_of, period_scores
from cytoshift.shift.orders.periods import Periods
from cytoshift.study.study import ShiftPlan

NOTHING = (
    "relabellings of the order of the two conditions, of which there are none: no two subjects took them in the same "
    "two periods in both orders"
)


@dataclass(frozen=True)
class FairOrders:
    """The redistributions of a randomised order within `strata`: of the two conditions, or of whole sequences."""

    kind: Literal["order", "sequence"]
    order: PeriodOrder
    relabellings: Rearrangements
    strata: np.ndarray | None

    @property
    def words(self) -> str:
        """What is redistributed, for tables and pages."""
        if self.relabellings.draws == 1:
            return NOTHING
        number = "" if self.relabellings.complete else f"{self.relabellings.draws - 1:,} random "
        where = " within strata" if self.strata is not None else ""
        if self.kind == "order":
            return f"{number}relabellings of the order of the two conditions{where}"
        return f"{number}relabellings of whole sequences{where} (exact if no condition of the study matters)"


@dataclass(frozen=True)
class OrderNull:
    """The null distribution of a crossover's contrast, the scores (subjects, features) of later − earlier period.

    `informative` (features,) counts the subjects who say anything. `scores` is None for whole sequences.
    """

    fair: FairOrders
    orbit: LinearOrbit
    informative: np.ndarray
    scores: np.ndarray | None


def order_known(comparison: Comparison) -> bool:
    """Was the order of the two conditions randomised, and is it known of somebody?"""
    return comparison.randomised and comparison.periods is not None and bool(comparison.periods.order.known.any())


def fair_orders(comparison: Comparison, plan: ShiftPlan) -> FairOrders:
    """How the orders of a randomised crossover may be redistributed.

    Exchanging the two conditions, which asks nothing of the others, where that can give a p-value as small as the
    plan's alpha; otherwise (no two subjects, or hardly any, exchange them within the same periods, as in a Latin
    square) whole sequences, where these give more. Raises ValueError where `order_known` is false.
    """
    periods, strata = _periods(comparison), strata_of(comparison, plan)
    by_order = order_relabellings(periods.order, strata, rng=contrast_rng(plan.seed, comparison.contrast.id))
    if by_order.draws < 2 / plan.alpha and periods.by_period:
        rng = contrast_rng(plan.seed, comparison.contrast.id)
        by_sequence = sequence_relabellings(periods.order, strata, rng=rng)
        if by_sequence.draws > by_order.draws:
            return FairOrders("sequence", periods.order, by_sequence, strata)
    return FairOrders("order", periods.order, by_order, strata)


def order_null(comparison: Comparison, plan: ShiftPlan, detection: np.ndarray, intervals: np.ndarray) -> OrderNull:
    """The null distribution of all features of a contrast over `fair_orders`.

    `detection` (features,) are tested on detection only, `intervals` (features,) have non-detects that stay intervals.
    For whole sequences both are judged anew from all periods, so that they do not depend on who took what when.
    """
    fair, periods = fair_orders(comparison, plan), _periods(comparison)
    order = fair.order
    if fair.kind == "order" and comparison.control is not None:
        own, other = (comparison.reference, comparison.target), comparison.control
        intervals = intervals & ~detection
        scores = period_scores(other, own, ~order.arm_later, detection, intervals)
        scores = np.where(order.known[:, None], scores, np.nan)
        orbit = order_orbit(scores, order, fair.relabellings, fair.strata)
        return OrderNull(fair, orbit, _informative(orbit, 1), scores)
    below, hidden = non_detects_of(list(periods.by_period.values()), plan.limits.detection_only_above)
    detection = below | (comparison.contrast.method == "detection")
    intervals = hidden & ~detection & (plan.limits.policy == "censored")
    turned = np.zeros(len(order.known), dtype=bool)
    scores = np.stack(
        [
            period_scores(periods.by_period[early], periods.by_period[late], turned, detection, intervals)
            for early, late in order.pairs
        ]
    )
    orbit = sequence_orbit(scores, order, fair.relabellings, fair.strata)
    return OrderNull(fair, orbit, _informative(orbit, len(order.known)), None)


def _informative(orbit: LinearOrbit, subjects: int) -> np.ndarray:
    """(features,) subjects with a score that matters; of whole sequences a subject has one by order taken."""
    speaks = 2 * np.abs(orbit.scores) > orbit.tolerance[:, None]
    return speaks.sum(axis=1) if subjects == 1 else speaks.reshape(len(speaks), subjects, -1).any(axis=2).sum(axis=1)


def _periods(comparison: Comparison) -> Periods:
    if comparison.periods is None:
        raise ValueError(f"contrast {comparison.contrast.id} does not compare two conditions of the same subjects")
    return comparison.periods
