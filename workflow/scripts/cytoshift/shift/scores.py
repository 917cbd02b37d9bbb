"""How much does each subject speak for a shift, if in truth there was none? What flips and relabellings rearrange."""

from __future__ import annotations

import numpy as np

from cytoshift.shift.censoring.arm_pair_scores import arm_pair_scores
from cytoshift.shift.censoring.interval_scores import interval_scores
from cytoshift.shift.censoring.pair_bounds import limits_of_side
from cytoshift.shift.censoring.pair_scores import pair_scores
from cytoshift.shift.censoring.pair_sums import sum_scores
from cytoshift.shift.comparison import Comparison, take
from cytoshift.shift.covariates import covariates_of, design_groups
from cytoshift.shift.exact.null_model import null_scores
from cytoshift.shift.intervals import bounds_of_pairs, interval_features, is_one_change, pair_sum_of
from cytoshift.shift.methods import choose_method, on_detection_only
from cytoshift.study.study import ShiftPlan


def flip_scores(comparison: Comparison, plan: ShiftPlan) -> np.ndarray:
    """Scores (subjects, features) whose sign changes exactly when a subject's two values are exchanged.

    The change itself where every value is known; the score of the censored fit without a shift where non-detects stay
    intervals; the change of detection where a feature is tested on detection only. NaN where there is no pair.
    """
    detection = on_detection_only(comparison, plan)
    scores = np.where(detection, comparison.change_of_detection, comparison.change)
    intervals = interval_features(comparison, plan) & ~detection
    if intervals.any():
        part = take(comparison, features=intervals)
        one = is_one_change(part)
        scores[:, intervals] = pair_scores(bounds_of_pairs(part)) if one else sum_scores(pair_sum_of(part))
    return scores


def arm_scores(comparison: Comparison, plan: ShiftPlan) -> np.ndarray:
    """Scores (subjects, features) of the arm effect in the model without arm, which never reads who was in which arm.

    Residuals on baseline and covariates where every value is known, scores of the censored null model where
    non-detects stay intervals. NaN where a subject lacks a value or a covariate.
    """
    detection = on_detection_only(comparison, plan)
    intervals = interval_features(comparison, plan) & ~detection
    scores = np.full((len(comparison.subjects), len(comparison.features)), np.nan)
    for group in design_groups(comparison):
        shared = covariates_of(take(comparison, features=group), plan).columns
        plain, censored = group & ~intervals, group & intervals
        if plain.any():
            scores[:, plain] = _residuals(comparison, plan, plain, shared)
        if censored.any():
            scores[:, censored] = _censored(take(comparison, features=censored), plan, shared)
    return scores


def outcome_of_arms(comparison: Comparison, plan: ShiftPlan) -> np.ndarray:
    """What is compared between arms (subjects, features): follow-up (ANCOVA, arms at one visit) or change.

    Where non-detects stay intervals, their scores in the censored null model stand for the outcome.
    """
    outcome = _outcome(comparison, plan)
    intervals = interval_features(comparison, plan) & ~on_detection_only(comparison, plan)
    if intervals.any():
        part = take(comparison, features=intervals)
        outcome[:, intervals] = _censored(part, plan, covariates_of(part, plan).columns)
    return outcome


def with_baseline(comparison: Comparison, plan: ShiftPlan) -> bool:
    """Are arms compared among subjects with the same baseline?"""
    return comparison.kind == "arms_change" and choose_method(comparison, plan).method == "ancova"


def _residuals(comparison: Comparison, plan: ShiftPlan, chosen: np.ndarray, shared: np.ndarray) -> np.ndarray:
    design = np.broadcast_to(shared, (int(chosen.sum()), *shared.shape))
    if with_baseline(comparison, plan) and comparison.reference is not None:
        detection = on_detection_only(comparison, plan)
        before = np.where(detection, comparison.reference.detected, comparison.reference.tested)[:, chosen]
        design = np.concatenate([before.T[:, :, None], design], axis=2)
    return null_scores(_outcome(comparison, plan)[:, chosen], design)


def _outcome(comparison: Comparison, plan: ShiftPlan) -> np.ndarray:
    detection = on_detection_only(comparison, plan)
    if comparison.kind == "arms_at" or with_baseline(comparison, plan):
        return np.where(detection, comparison.target.detected, comparison.target.tested)
    return np.where(detection, comparison.change_of_detection, comparison.change)


def _censored(part: Comparison, plan: ShiftPlan, shared: np.ndarray) -> np.ndarray:
    before, after = part.written
    if before is None or part.kind == "arms_at":
        return interval_scores(*limits_of_side(after), shared)
    limits = *limits_of_side(before), *limits_of_side(after)
    return arm_pair_scores(*limits, shared, change=not with_baseline(part, plan))
