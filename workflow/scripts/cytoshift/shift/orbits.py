"""The joint null distribution of a contrast: the same flips or relabellings for all its features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cytoshift.shift.comparison import Comparison, take
from cytoshift.shift.covariates import covariates_of, design_groups, strata_of
from cytoshift.shift.flips import contrast_rng, sign_flip_orbit, sign_flips
from cytoshift.shift.methods import choose_method, on_detection_only
from cytoshift.shift.null_model import freedman_lane_orbit, null_scores
from cytoshift.shift.rearrangements import Orbit, Rearrangements
from cytoshift.shift.relabelling import arm_relabellings, relabelling_orbit
from cytoshift.study.study import ShiftPlan


@dataclass(frozen=True)
class JointNull:
    """`orbit` holds every feature of the contrast, in its order, or nothing; `words` say what was done, or why not.

    `kind` is a word for tables: sign_flip, relabelling, freedman_lane, or '' without an orbit.
    """

    orbit: Orbit | None
    kind: str
    words: str
    flips: Rearrangements | None = None


def joint_null(comparison: Comparison, plan: ShiftPlan) -> JointNull:
    """Flips (paired), relabellings within strata (randomised arms) or residual permutations (other arms).

    Scores are the changes (paired), or the residuals of the model without arm on baseline and covariates. Features
    tested on detection contribute the change of detection, or detection at the target visit of randomised arms.
    """
    rng = contrast_rng(plan.seed, comparison.contrast.id)
    if comparison.kind == "paired":
        # Who has both samples decides who is flipped, so that adding a feature changes no other feature's p.
        sampled = np.all([side.sampled for side in comparison.sides], axis=0)
        if not sampled.any():
            return JointNull(None, "", "no subject has every sample of this contrast")
        flips = sign_flips(int(sampled.sum()), rng=rng)
        words = "sign flips" if flips.complete else f"{flips.draws - 1:,} random sign flips"
        return JointNull(sign_flip_orbit(_changes(comparison, plan)[sampled], flips), "sign_flip", words, flips)
    target = comparison.arm == 1
    if not target.any() or target.all():
        return JointNull(None, "", "one of the arms has no subject")
    if not comparison.randomised:
        return _approximate(comparison, target, plan, rng)
    strata = strata_of(comparison, plan)
    labels = arm_relabellings(target, strata, rng=rng)
    words = ("" if labels.complete else f"{labels.draws - 1:,} random ") + "relabellings"
    words += " within strata" if strata is not None else ""
    return JointNull(relabelling_orbit(_arm_scores(comparison, plan), target, labels, strata), "relabelling", words)


def _changes(comparison: Comparison, plan: ShiftPlan) -> np.ndarray:
    """Changes as tested; changes of detection where a feature is tested on detection only."""
    detection = on_detection_only(comparison, plan)
    change = comparison.target.detected.copy()
    if comparison.reference is not None:
        change = change - comparison.reference.detected
    if comparison.control is not None:
        before, after = comparison.control
        change = change - after.detected + (0.0 if before is None else before.detected)
    return np.where(detection, change, comparison.change)


def _outcome(comparison: Comparison, plan: ShiftPlan) -> np.ndarray:
    """What is compared between arms: follow-up (ANCOVA, arms at one visit) or change."""
    if comparison.kind == "arms_at" or choose_method(comparison, plan).method == "ancova":
        detection = on_detection_only(comparison, plan)
        return np.where(detection, comparison.target.detected, comparison.target.tested)
    return _changes(comparison, plan)


def _arm_scores(comparison: Comparison, plan: ShiftPlan) -> np.ndarray:
    ancova = comparison.kind == "arms_change" and choose_method(comparison, plan).method == "ancova"
    detection = on_detection_only(comparison, plan)
    outcome = _outcome(comparison, plan)
    scores = np.full(outcome.shape, np.nan)
    for group in design_groups(comparison):
        shared = covariates_of(take(comparison, features=group), plan).columns
        design = np.broadcast_to(shared, (int(group.sum()), *shared.shape))
        if ancova and comparison.reference is not None:
            before = np.where(detection, comparison.reference.detected, comparison.reference.tested)[:, group]
            design = np.concatenate([before.T[:, :, None], design], axis=2)
        scores[:, group] = null_scores(outcome[:, group], design)
    return scores


def _approximate(comparison: Comparison, target: np.ndarray, plan: ShiftPlan, rng: np.random.Generator) -> JointNull:
    """Freedman–Lane for arms that were not randomised; it needs one design for all features."""
    groups = list(design_groups(comparison))
    ancova = comparison.kind == "arms_change" and choose_method(comparison, plan).method == "ancova"
    if ancova or len(groups) > 1:
        why = "each feature has its own baseline" if ancova else "features differ in their plates"
        return JointNull(None, "", f"no joint test of arms that were not randomised where {why}")
    covariates = covariates_of(comparison, plan).columns
    known = ~np.isnan(covariates).any(axis=1)
    if not target[known].any() or target[known].all():
        return JointNull(None, "", "one of the arms has no subject with known covariates")
    orbit = freedman_lane_orbit(_outcome(comparison, plan)[known], target[known], covariates[known], rng=rng)
    words = f"{orbit.draws - 1:,} permutations of residuals (Freedman–Lane; approximate: arms not randomised)"
    return JointNull(orbit, "freedman_lane", words)
