"""What do all periods of a crossover say together: sequence, period and every condition in one mixed model?

The model of all conditions borrows the periods' effects and the residual spread from conditions that are not compared,
and keeps subjects who missed one. `crossover.crossover_effect` needs neither assumption and only the two conditions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from cytoshift.shift.estimates import Estimates
from cytoshift.shift.mixed.mixed_design import CellContrast, RepeatedDesign, When, cell_contrast, repeated_design
from cytoshift.shift.mixed.random_intercept import random_intercept


def crossover_design(
    subject: ArrayLike,
    period: ArrayLike,
    condition: ArrayLike,
    *,
    conditions: Sequence[str],
    sequence: ArrayLike | None = None,
    visit: ArrayLike | None = None,
    visits: Sequence[str] = (),
) -> RepeatedDesign:
    """The design of a crossover's samples: means of condition [× visit], period and sequence fixed, subject random.

    All arguments (samples,) hold text. Without `visit` a subject has one value per condition. With several visits per
    period, in the order `visits`, a period of a subject has a random effect of its own (1 | subject/period): (1 |
    subject) alone would count the visits of one period as if they were independent. `sequence` enters where fewer
    sequences than subjects leave anything to estimate the subjects' spread from. A sample with a blank period, or with
    a blank sequence where others have one, does not enter.
    Raises ValueError when lengths differ or a condition or visit is not in the order given.
    """
    people = len(np.unique(np.asarray(subject, dtype=str)))
    columns, names = _indicators(period, "period")
    if sequence is not None:
        more, levels = _indicators(sequence, "sequence")
        if len(levels) + 1 < people:
            columns, names = np.column_stack([columns, more]), [*names, *levels]
    if visit is None:
        return repeated_design(subject, condition, visits=conditions, covariates=columns, covariate_names=names)
    return repeated_design(
        subject,
        visit,
        condition,
        visits=visits,
        arms=conditions,
        covariates=columns,
        covariate_names=names,
        within=period,
    )


def crossover_contrast(
    design: RepeatedDesign, arm: str, against: str, target: When | None = None, reference: When | None = None
) -> CellContrast:
    """`arm` less `against`: of their one value, at `target`, or of the change from `reference` to `target`.

    Raises ValueError for a condition or visit that the design does not have, or a missing `target` where it has visits.
    """
    if design.arms == [""]:
        return cell_contrast(design, arm, against)
    if target is None:
        raise ValueError(f"the design has several visits; name a target among {design.visits}")
    return cell_contrast(design, target, reference, arm=arm, against=against)


def crossover_model(
    outcome: ArrayLike, design: RepeatedDesign, contrasts: Sequence[CellContrast], *, level: float = 0.95
) -> list[Estimates]:
    """Contrasts of conditions in the mixed model with sequence, period and condition, for all features at once.

    `outcome` (samples, features) in the order of the design's samples, NaN where missing. REML with Satterthwaite's t,
    as lmerTest gives for value ~ sequence + period + condition + (1 | subject), or (1 | subject/period) with several
    visits per period. Raises ValueError when shapes do not fit.
    """
    fit = random_intercept(outcome, design, contrasts, level=level)
    return [replace(one, method="crossover_model") for one in fit.estimates]


def _indicators(values: ArrayLike, what: str) -> tuple[np.ndarray, list[str]]:
    """0/1 columns of every level but the first, NaN where the text is blank; no columns where all are."""
    texts = np.asarray(values, dtype=str)
    levels = sorted(set(texts.tolist()) - {""})[1:]
    columns = (texts[:, None] == np.array(levels, dtype=str)[None, :]).astype(float)
    unknown = (texts == "") & (texts != "").any()
    columns[unknown] = np.nan
    return columns, [f"{what} {level}" for level in levels]
