"""Did the first condition still act when the second was taken?

A diagnostic to be read beside the effect, never a gate before it: the sums it compares differ between people, so it
seldom finds what is there, and choosing the analysis by its answer spoils the test of the effect.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from cytoshift.shift.classical.arms import arm_effect
from cytoshift.shift.estimates import Estimates, as_panel
from cytoshift.shift.orders.crossover import period_order

CARRY_OVER_WORDS = (
    "sum of both conditions in subjects who took {arm} first, less that in subjects who took {control} first: what is "
    "left of the first condition in the second period, or a difference between these groups of subjects; found only "
    "when large, and it decides nothing"
)


def carry_over(
    of_arm: ArrayLike,
    of_control: ArrayLike,
    period_arm: ArrayLike,
    period_control: ArrayLike,
    *,
    level: float = 0.95,
) -> Estimates:
    """Carry-over of the arm less that of the control, from the subjects' sums of both, for all features at once.

    Arguments as in `crossover_effect`. With two periods the sums of sequence arm–control less those of sequence
    control–arm, by Student's t on n − 2 df; with more, among subjects with the same two periods. `n_target` counts the
    subjects who took the arm first. It measures the difference of carry-overs only if the groups are alike otherwise,
    which randomisation alone can promise. Not for deciding how the effect is analysed (Freeman 1989, Statistics in
    Medicine 8:1421: a test chosen by this one has a size of 7–9.5 % at a nominal 5). Raises ValueError as
    `crossover_effect` does.
    """
    arm, control = as_panel(of_arm, "of_arm"), as_panel(of_control, "of_control")
    if arm.shape != control.shape:
        raise ValueError(f"of_arm has the shape {arm.shape}, of_control {control.shape}: they must be the same")
    order = period_order(period_arm, period_control, len(arm))
    sums = np.where(order.known[:, None], arm + control, np.nan)
    arm_first = order.known & ~order.arm_later
    groups = (order.pair[:, None] == np.arange(1, len(order.pairs))).astype(float)
    found = arm_effect(sums, arm_first, groups, level=level, method="carry_over")
    lacking = np.isnan(found.estimate)
    texts = [
        f"two subjects of each order, with the same two periods, are needed; {first} took the arm first, {last} last"
        for first, last in zip(found.n_target.tolist(), found.n_reference.tolist(), strict=True)
    ]
    return replace(found, note=np.where(lacking, np.array(texts, dtype=object), found.note))


def carry_over_words(arm: str, control: str) -> str:
    """What the difference of sums is and is not, with the names of the two conditions."""
    return CARRY_OVER_WORDS.format(arm=arm, control=control)
