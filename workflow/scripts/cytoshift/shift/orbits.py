"""The joint null distribution of a contrast: the same flips or relabellings for all its features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cytoshift.shift.comparison import Comparison, take
from cytoshift.shift.covariates import covariate_columns, strata_of
from cytoshift.shift.flips import contrast_rng, sign_flip_orbit, sign_flips
from cytoshift.shift.methods import choose_method, detected, on_detection_only
from cytoshift.shift.null_model import null_scores
from cytoshift.shift.rearrangements import LinearOrbit
from cytoshift.shift.relabelling import arm_relabellings, relabelling_orbit
from cytoshift.study.study import ShiftPlan


@dataclass(frozen=True)
class JointNull:
    """`orbit` holds every feature of the contrast, in its order; `kind` says in words what was rearranged."""

    orbit: LinearOrbit
    kind: str


def joint_null(comparison: Comparison, plan: ShiftPlan) -> JointNull | None:
    """Flips (paired) or relabellings within strata (arms) of a contrast; None when there is nothing to rearrange.

    Scores are the changes (paired), or the residuals of the model without arm on baseline and covariates (arms).
    Features tested on detection contribute detected_target − detected_reference, or detection at the target visit.
    Arms that were not randomised are relabelled all the same and the result is named approximate.
    """
    rng = contrast_rng(plan.seed, comparison.contrast.id)
    if comparison.kind == "paired":
        scores = _paired_scores(comparison, plan)
        informative = (np.nan_to_num(scores) != 0).any(axis=1)
        if not informative.any():
            return None
        flips = sign_flips(int(informative.sum()), rng=rng)
        kind = "sign flips" if flips.complete else f"{flips.draws - 1:,} random sign flips"
        return JointNull(sign_flip_orbit(scores[informative], flips), kind)
    covariates, _ = covariate_columns(comparison, plan)
    complete = ~np.isnan(covariates).any(axis=1)
    comparison = take(comparison, subjects=complete)
    target = comparison.arm == 1
    if not target.any() or target.all():
        return None
    strata = strata_of(comparison, plan) if plan.randomised else None
    scores = _arm_scores(comparison, covariates[complete], plan)
    labels = arm_relabellings(target, strata, rng=rng)
    kind = "relabellings" if labels.complete else f"{labels.draws - 1:,} random relabellings"
    kind += " within strata" if strata is not None else ""
    kind += "" if plan.randomised else " (approximate: arms not randomised)"
    return JointNull(relabelling_orbit(scores, target, labels, strata), kind)


def _paired_scores(comparison: Comparison, plan: ShiftPlan) -> np.ndarray:
    scores = comparison.change.copy()
    detection = on_detection_only(comparison, plan)
    if detection.any():
        part = take(comparison, features=detection)
        change = detected(part.target.status)
        if part.reference is not None:
            change = change - detected(part.reference.status)
        if part.control is not None:
            before, after = part.control
            change = change - detected(after.status) + (0.0 if before is None else detected(before.status))
        scores[:, detection] = change
    return scores


def _arm_scores(comparison: Comparison, covariates: np.ndarray, plan: ShiftPlan) -> np.ndarray:
    method = choose_method(comparison, plan).method
    detection = on_detection_only(comparison, plan)
    outcome = np.where(detection, detected(comparison.target.status), comparison.target.tested)
    if comparison.kind == "arms_at" or comparison.reference is None:
        return null_scores(outcome, covariates)
    if method != "ancova":
        outcome = np.where(detection, outcome, comparison.change)
        return null_scores(outcome, covariates)
    baseline = np.where(detection, detected(comparison.reference.status), comparison.reference.tested)
    shared = np.broadcast_to(covariates, (baseline.shape[1], *covariates.shape))
    return null_scores(outcome, np.concatenate([baseline.T[:, :, None], shared], axis=2))
