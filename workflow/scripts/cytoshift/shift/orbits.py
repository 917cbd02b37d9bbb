"""The joint null distribution of a contrast: the same flips or relabellings for all its features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cytoshift.shift.comparison import Comparison
from cytoshift.shift.covariates import covariates_of, design_groups, strata_of
from cytoshift.shift.exact.dose_orbits import dose_orbit, dose_relabellings
from cytoshift.shift.exact.flips import contrast_rng, sign_flip_orbit, sign_flips
from cytoshift.shift.exact.null_model import freedman_lane_orbit
from cytoshift.shift.exact.rearrangements import Orbit, Rearrangements
from cytoshift.shift.exact.relabelling import arm_relabellings, relabelling_orbit
from cytoshift.shift.intervals import interval_features, unlike_features
from cytoshift.shift.methods import on_detection_only
from cytoshift.shift.orders.order_null import OrderNull, order_known, order_null
from cytoshift.shift.scores import arm_scores, flip_scores, outcome_of_arms, with_baseline
from cytoshift.study.study import ShiftPlan

# Conditions of the same people whose order was not drawn, or is not known: what a sign flip then takes for granted.
NO_ORDER = ", which ignore the periods (the order was not randomised)"
UNEVEN = " (approximate for features with non-detects: means of different numbers of visits are not exchangeable)"
UNKNOWN_ORDER = " (periods not known: exact if the order of each subject was drawn by itself)"


@dataclass(frozen=True)
class JointNull:
    """`orbit` holds every feature of the contrast, in its order, or nothing; `words` say what was done, or why not.

    `kind` is a word for tables: sign_flip, relabelling, freedman_lane, or '' without an orbit. With sign flips, `flips`
    are those of the subjects with every sample, and `scores` (subjects, features) what is flipped. `orders` holds the
    redistributed orders of a crossover instead.
    """

    orbit: Orbit | None
    kind: str
    words: str
    flips: Rearrangements | None = None
    scores: np.ndarray | None = None
    orders: OrderNull | None = None


def joint_null(comparison: Comparison, plan: ShiftPlan) -> JointNull:
    """Flips (paired), relabellings within strata (randomised arms, orders of a crossover) or residual permutations.

    What is rearranged are the scores of `flip_scores`, `arm_scores` and `period_scores`.
    """
    rng = contrast_rng(plan.seed, comparison.contrast.id)
    if order_known(comparison):
        detection, intervals = on_detection_only(comparison, plan), interval_features(comparison, plan)
        orders = order_null(comparison, plan, detection, intervals)
        return JointNull(orders.orbit, "relabelling", orders.fair.words, scores=orders.scores, orders=orders)
    if comparison.kind == "paired":
        # Who has both samples decides who is flipped, so that adding a feature changes no other feature's p.
        sampled = np.all([side.sampled for side in comparison.sides], axis=0)
        if not sampled.any():
            return JointNull(None, "", "no subject has every sample of this contrast")
        flips = sign_flips(int(sampled.sum()), rng=rng)
        words = "sign flips" if flips.complete else f"{flips.draws - 1:,} random sign flips"
        if comparison.control is not None:
            words += UNKNOWN_ORDER if comparison.randomised else NO_ORDER
        if unlike_features(comparison).any():
            words += UNEVEN
        scores = flip_scores(comparison, plan)
        return JointNull(sign_flip_orbit(scores[sampled], flips), "sign_flip", words, flips, scores)
    target = comparison.arm == 1
    if not target.any() or target.all():
        several = "one of the arms has no subject" if comparison.dose is None else "all subjects have the same dose"
        return JointNull(None, "", several)
    if comparison.dose is not None:
        return _of_doses(comparison, comparison.dose, plan, rng)
    if not comparison.randomised:
        return _approximate(comparison, target, plan, rng)
    strata = strata_of(comparison, plan)
    labels = arm_relabellings(target, strata, rng=rng)
    words = ("" if labels.complete else f"{labels.draws - 1:,} random ") + "relabellings"
    words += " within strata" if strata is not None else ""
    return JointNull(relabelling_orbit(arm_scores(comparison, plan), target, labels, strata), "relabelling", words)


def _of_doses(comparison: Comparison, dose: np.ndarray, plan: ShiftPlan, rng: np.random.Generator) -> JointNull:
    """Doses handed out again within strata; without a randomisation there is nothing to repeat."""
    if not comparison.randomised:
        return JointNull(None, "", "no joint test of doses that were not randomised")
    strata = strata_of(comparison, plan)
    ways = dose_relabellings(dose, strata, rng=rng)
    words = ("" if ways.complete else f"{ways.draws - 1:,} random ") + "relabellings of the doses"
    words += " within strata" if strata is not None else ""
    return JointNull(dose_orbit(arm_scores(comparison, plan), dose, ways, strata), "relabelling", words)


def _approximate(comparison: Comparison, target: np.ndarray, plan: ShiftPlan, rng: np.random.Generator) -> JointNull:
    """Freedman–Lane for arms that were not randomised; it needs one design for all features."""
    groups = list(design_groups(comparison))
    ancova = with_baseline(comparison, plan)
    if ancova or len(groups) > 1:
        why = "each feature has its own baseline" if ancova else "features differ in their plates"
        return JointNull(None, "", f"no joint test of arms that were not randomised where {why}")
    covariates = covariates_of(comparison, plan).columns
    known = ~np.isnan(covariates).any(axis=1)
    if not target[known].any() or target[known].all():
        return JointNull(None, "", "one of the arms has no subject with known covariates")
    orbit = freedman_lane_orbit(outcome_of_arms(comparison, plan)[known], target[known], covariates[known], rng=rng)
    words = f"{orbit.draws - 1:,} permutations of residuals (Freedman–Lane; approximate: arms not randomised)"
    return JointNull(orbit, "freedman_lane", words)
