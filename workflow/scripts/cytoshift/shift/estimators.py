"""Which function answers for a method's name, with numbers and, where it has such a form, with intervals?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from cytoshift.shift.censoring.censored_arms import censored_ancova, censored_change_of_arms
from cytoshift.shift.censoring.censored_change import CensoredChange, censored_change
from cytoshift.shift.censoring.interval_regression import interval_effect
from cytoshift.shift.censoring.pair_bounds import limits_of_side
from cytoshift.shift.censoring.pair_scores import censored_t, pair_scores
from cytoshift.shift.censoring.pair_sums import SumChange, sum_change
from cytoshift.shift.classical.arms import ancova, arm_effect, student_t, welch_t
from cytoshift.shift.classical.effects import censored_effect
from cytoshift.shift.classical.moderation import fit_prior, mean_level, moderate
from cytoshift.shift.classical.paired import paired_t
from cytoshift.shift.classical.ranks import rank_sum, signed_rank
from cytoshift.shift.comparison import Comparison
from cytoshift.shift.covariates import Covariates, covariates_of
from cytoshift.shift.dose_contrast import censored_dose_trend, exact_dose_trend
from cytoshift.shift.estimates import Estimates, add_note
from cytoshift.shift.intervals import bounds_of_pairs, is_one_change, pair_sum_of
from cytoshift.shift.mixed_contrast import mixed_contrast
from cytoshift.shift.orders.crossover_answer import crossover_intervals, crossover_numbers, crossover_samples
from cytoshift.shift.repeated import MIXED_MODELS
from cytoshift.study.study import ShiftPlan

Value = TypeVar("Value")
ALIKE = "approximate: with non-detects the censored ANCOVA takes the arms' baselines to be alike"


@dataclass(frozen=True)
class Answer:
    """Estimates, and the standardised effect (features,) where the estimator has one of its own (else None).

    `otherwise` answers for the features whose estimate is empty, where there is a second way. `p_method` and
    `ci_method` (features,) say how each p-value and interval was found where they differ.
    """

    estimates: Estimates
    effect_size: np.ndarray | None = None
    otherwise: Estimates | None = None
    p_method: np.ndarray | None = None
    ci_method: np.ndarray | None = None


def estimate_exact(part: Comparison, method: str, plan: ShiftPlan, learn: np.ndarray) -> Answer:
    """The estimator of that name on numbers, stand-ins for non-detects included.

    `learn` (features,) is true where a feature may teach the prior of a moderated t.
    """
    level = 1 - plan.alpha
    if part.dose is not None:
        return Answer(exact_dose_trend(part, method, plan))
    if method in MIXED_MODELS:
        fitted, otherwise = mixed_contrast(part, method, plan, learn)
        if method == "blocked":
            fitted = _moderated(part, fitted, learn, plan)
        return Answer(fitted, otherwise=otherwise)
    if method == "crossover_model":
        fitted, otherwise = crossover_samples(part, level)
        return Answer(fitted, otherwise=otherwise)
    if method == "crossover":
        return Answer(crossover_numbers(part, level))
    if part.kind == "paired":
        if method == "signed_rank":
            return Answer(signed_rank(part.change, level=level))
        base = paired_t(part.change, level=level)
        return Answer(_moderated(part, base, learn, plan) if method == "moderated_t" else base)
    adjusted = covariates_of(part, plan)
    estimates = _arm_estimators(part, adjusted, level)[method]()
    if method == "moderated_t":
        estimates = _moderated(part, estimates, learn, plan)
    return Answer(_with_words(estimates, adjusted.words))


def _arm_estimators(part: Comparison, adjusted: Covariates, level: float) -> dict[str, Callable[[], Estimates]]:
    arm, columns, names = part.arm, adjusted.columns, adjusted.names
    # Methods other than ANCOVA compare the changes where there are two visits.
    outcome = part.target.tested if part.reference is None else part.change
    baseline = None if part.reference is None else part.reference.tested

    def linear(method: str) -> Estimates:
        return arm_effect(outcome, arm, columns, covariate_names=names, level=level, method=method)

    return {
        "welch_t": lambda: welch_t(outcome[arm == 1], outcome[arm == 0], level=level),
        "student_t": lambda: student_t(outcome[arm == 1], outcome[arm == 0], level=level),
        "rank_sum": lambda: rank_sum(outcome[arm == 1], outcome[arm == 0], level=level),
        "linear_model": lambda: linear("adjusted_difference"),
        "change": lambda: linear("difference_of_changes"),
        "moderated_t": lambda: linear("difference"),
        "ancova": lambda: ancova(
            part.target.tested, arm, columns, baseline=_there(baseline, part), covariate_names=names, level=level
        ),
    }


def estimate_censored(part: Comparison, method: str, plan: ShiftPlan, learn: np.ndarray) -> Answer:
    """The form of the estimator of that name in which non-detects stay intervals."""
    level = 1 - plan.alpha
    if part.dose is not None:
        return Answer(censored_dose_trend(part, method, plan))
    if method == "crossover":
        adjusted_for_period, p_method, ci_method = crossover_intervals(part, level)
        return Answer(adjusted_for_period, p_method=p_method, ci_method=ci_method)
    if part.kind == "paired":
        return _censored_pairs(part, method, learn, plan)
    adjusted = covariates_of(part, plan)
    names, target = adjusted.names, limits_of_side(part.written[1])
    if part.kind == "arms_at":
        estimates = interval_effect(*target, part.arm, adjusted.columns, covariate_names=names, level=level)
    else:
        before = limits_of_side(_there(part.written[0], part))
        censored = censored_ancova if method == "ancova" else censored_change_of_arms
        estimates = censored(*before, *target, part.arm, adjusted.columns, covariate_names=names, level=level)
        alike = (estimates.n > 0) & (method == "ancova") & (not part.randomised)
        estimates = replace(estimates, note=add_note(estimates.note, alike, ALIKE))
    if method == "moderated_t":
        estimates = _moderated(part, estimates, learn, plan)
    return Answer(_with_words(estimates, adjusted.words))


def _censored_pairs(part: Comparison, method: str, learn: np.ndarray, plan: ShiftPlan) -> Answer:
    found: CensoredChange | SumChange
    if is_one_change(part):
        bounds = bounds_of_pairs(part)
        found, beside = censored_change(bounds, level=1 - plan.alpha), censored_t(pair_scores(bounds), bounds).p_value
    else:
        found = sum_change(pair_sum_of(part), level=1 - plan.alpha)
        beside = found.beside
    effect = censored_effect(found.estimates.estimate, found.sd, found.estimates.n).estimate
    if method == "moderated_t":
        moderated = _moderated(part, found.estimates, learn, plan)
        # Without a standard error there is nothing to moderate, and the p-value stays the scores'.
        own = np.where(found.by_scores, "censored_t", moderated.p_method).astype(object)
        return Answer(moderated, effect, p_method=own)
    texts = np.array([f"censored t: p = {value:.3g}" for value in beside], dtype=object)
    note = add_note(found.estimates.note, ~np.isnan(beside) & ~found.by_scores, texts)
    p_method = np.where(found.by_scores, "censored_t", found.estimates.p_method).astype(object)
    return Answer(replace(found.estimates, note=note), effect, p_method=p_method)


def _moderated(part: Comparison, base: Estimates, learn: np.ndarray, plan: ShiftPlan) -> Estimates:
    """The moderated t, its prior along the mean level or deaf to outliers where the plan asks for it."""
    options = plan.moderation
    trend = mean_level(*(side.tested for side in part.sides)) if options.trend else None
    prior = fit_prior(base.residual_variance, base.df, use=learn, trend=trend, robust=options.robust)
    return moderate(base, prior, level=1 - plan.alpha)


def _with_words(estimates: Estimates, words: str) -> Estimates:
    return replace(estimates, note=add_note(estimates.note, np.full(estimates.n.shape, bool(words)), words))


def _there(side: Value | None, part: Comparison) -> Value:
    if side is None:
        raise ValueError(f"contrast {part.contrast.id}: a change needs a reference visit")
    return side
