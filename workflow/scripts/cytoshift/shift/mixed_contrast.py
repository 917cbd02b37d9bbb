"""A contrast of three or more visits, answered by a mixed model, or from its own pairs where subjects are too few."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cytoshift.shift.comparison import Comparison
from cytoshift.shift.covariates import covariates_of
from cytoshift.shift.estimates import Estimates, add_note
from cytoshift.shift.mixed.blocked import blocked_effects, consensus_correlation
from cytoshift.shift.mixed.mixed_design import CellContrast, RepeatedDesign, cell_contrast, repeated_design
from cytoshift.shift.mixed.own_pairs import own_pairs
from cytoshift.shift.mixed.random_intercept import random_intercept
from cytoshift.shift.mixed.unstructured import unstructured
from cytoshift.shift.repeated import Repeated
from cytoshift.study.contrasts import visits_of
from cytoshift.study.study import ShiftPlan


def mixed_contrast(
    part: Comparison, method: str, plan: ShiftPlan, learn: np.ndarray
) -> tuple[Estimates, Estimates | None]:
    """The estimates of a mixed model, and those from a contrast's own pairs where they must stand in.

    `method` is `mmrm` (unstructured covariance, Kenward–Roger), `random_intercept`, or `blocked` (one correlation
    within subjects for all features, learned from those of `learn` (features,); to be moderated). The second element,
    where there is one, answers for the features whose first estimate is empty; its notes hold the reason. Raises
    ValueError for a comparison without repeated samples.
    """
    repeated, level = part.repeated, 1 - plan.alpha
    if repeated is None:
        raise ValueError(f"contrast {part.contrast.id}: a mixed model needs the samples of its visits")
    design, contrast, words = _design(part, repeated, plan)
    if method == "random_intercept":
        return _said(random_intercept(repeated.values, design, [contrast], level=level).estimates[0], words), None
    if method == "blocked":
        return _said(_blocked(repeated, design, contrast, learn, level), words), None
    fitted = unstructured(repeated.values, design, [contrast], level=level).estimates[0]
    lacking = np.isnan(fitted.estimate)
    if not lacking.any():
        return _said(fitted, words), None
    paired = own_pairs(repeated.values, design, contrast, level=level)
    why = np.where(fitted.note == "", "", fitted.note + ": own pairs")
    without = f"not {words}" if words else ""
    return _said(fitted, words), _said(replace(paired, note=_joined(why, paired.note)), without)


def _blocked(
    repeated: Repeated, design: RepeatedDesign, contrast: CellContrast, learn: np.ndarray, level: float
) -> Estimates:
    shared = consensus_correlation(repeated.values, design.columns, design.subject, use=learn)
    found = blocked_effects(repeated.values, design, [contrast], shared.value, level=level)[0]
    words = shared.reason or f"correlation within subjects {shared.value:.2f}, shared by {shared.features} features"
    return replace(found, note=add_note(found.note, np.ones(found.n.shape, dtype=bool), words))


def _said(found: Estimates, words: str) -> Estimates:
    """The estimates with what they were adjusted for, or were not, in words."""
    return replace(found, note=add_note(found.note, ~np.isnan(found.estimate) & bool(words), words))


def _design(part: Comparison, repeated: Repeated, plan: ShiftPlan) -> tuple[RepeatedDesign, CellContrast, str]:
    """The model, the contrast in it, and the covariates in words."""
    contrast = part.contrast
    others = [name for name in contrast.adjust if name != "plate"]
    adjusted = covariates_of(replace(part, contrast=contrast.model_copy(update={"adjust": others})), plan)
    two_arms = part.kind == "arms_change"
    arms = [str(contrast.arm), str(contrast.against)] if two_arms else [""]
    before = visits_of(contrast.reference)
    # Randomised arms are one population until the first visit is over.
    common = arms if two_arms and part.randomised and repeated.visits[0] in before else []
    plate = _plate(part, repeated)
    named = [adjusted.words] if adjusted.words else []
    if plate is not None:
        named.append("plate" if named else "adjusted for plate")
    design = repeated_design(
        part.subjects.astype(str)[repeated.subject],
        repeated.visit,
        repeated.arm if two_arms else None,
        visits=repeated.visits,
        arms=arms,
        common_baseline=common,
        covariates=adjusted.columns[repeated.subject],
        covariate_names=adjusted.names,
        plate=plate,
    )
    arm, against = (arms[0], arms[1]) if two_arms else (None, None)
    asked = cell_contrast(design, visits_of(contrast.target), before, arm=arm, against=against)
    return design, asked, ", ".join(named)


def _plate(part: Comparison, repeated: Repeated) -> np.ndarray | None:
    sources = part.features["source"].unique()
    if "plate" not in part.contrast.adjust or len(sources) != 1:
        return None
    return repeated.plate.get(str(sources[0]))


def _joined(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return add_note(first, second != "", second)
