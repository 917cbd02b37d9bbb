"""What must a reader know about a crossover: periods that nobody wrote down, a first condition that may still act?"""

from __future__ import annotations

import numpy as np

from cytoshift.findings import Finding, finding, listed, plural
from cytoshift.shift.comparison import Comparison
from cytoshift.shift.exact.families import benjamini_hochberg
from cytoshift.shift.grid import ABOVE, BELOW
from cytoshift.shift.methods import on_detection_only
from cytoshift.shift.orders.carry_over import carry_over, carry_over_words
from cytoshift.shift.orders.order_null import order_known
from cytoshift.study.settings import label_of
from cytoshift.study.study import ShiftPlan

FIX = "name their column in `samples.columns.period`, 1, 2 … in the order taken, or dates in `samples.columns.date`"


def crossover_findings(comparison: Comparison, plan: ShiftPlan) -> list[Finding]:
    """Findings of a contrast of conditions whose order was randomised; none elsewhere."""
    if comparison.periods is None or not comparison.randomised:
        return []
    return [*_unread(comparison), *_unknown(comparison), *_carry_over(comparison, plan)]


def _unread(comparison: Comparison) -> list[Finding]:
    unread = comparison.periods.unread if comparison.periods is not None else []
    if not unread:
        return []
    message = (
        f"Periods that are no numbers are not known: {listed(map(repr, unread), 4)}; write 1, 2 … in the order taken"
    )
    numbers = {"texts": len(unread)}
    return [finding("shift", "period_not_a_number", message, numbers, contrast=comparison.contrast.id)]


def _unknown(comparison: Comparison) -> list[Finding]:
    """Subjects with both conditions who do not enter an effect adjusted for period."""
    assert comparison.periods is not None
    both = np.all([side.sampled for side in comparison.sides], axis=0)
    known = comparison.periods.order.known
    lost, total = int((both & ~known).sum()), int(both.sum())
    if not lost:
        return []
    if known.any():
        message = f"{plural(lost, 'subject')} of {total} with both conditions left out: their two periods are not known"
    else:
        message = f"The effect is not adjusted for period, since no subject has two known periods; {FIX}"
    numbers = {"subjects": lost, "of": total}
    return [finding("shift", "periods_unknown", message, numbers, contrast=comparison.contrast.id)]


def _carry_over(comparison: Comparison, plan: ShiftPlan) -> list[Finding]:
    """One diagnostic for all features: how unlike are the sums of the two sequences?"""
    if not order_known(comparison) or comparison.periods is None:
        return []
    order = comparison.periods.order
    sums = carry_over(comparison.of_arm, comparison.of_control, order.of_arm, order.of_control, level=1 - plan.alpha)
    p_values = np.where(on_detection_only(comparison, plan), np.nan, sums.p_value)
    if np.isnan(p_values).all():
        return []
    q_values, tested = benjamini_hochberg(p_values)
    least = int(np.nanargmin(p_values))
    contrast = comparison.contrast
    names = [label_of(plan.arms, name) for name in (str(contrast.arm), str(contrast.against))]
    message = f"Carry-over of {names[0]} less that of {names[1]}: {carry_over_words(*names)}"
    if comparison.with_status(BELOW, ABOVE).any():
        message += "; numbers stand in for non-detects"
    numbers = {
        "features": tested,
        "below_alpha_after_benjamini_hochberg": int((q_values < plan.alpha).sum()),
        "smallest_p": float(p_values[least]),
        "at": str(comparison.features["feature"].iloc[least]),
        "difference": float(sums.estimate[least]),
        "low": float(sums.ci_low[least]),
        "high": float(sums.ci_high[least]),
    }
    return [finding("shift", "carry_over", message, numbers, severity="note", action="nothing", contrast=contrast.id)]
