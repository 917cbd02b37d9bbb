"""What must stand beside a row so that nobody reads more out of it than is in it?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.shift.classical.arms import ancova, arm_effect
from cytoshift.shift.classical.linear import Spread
from cytoshift.shift.classical.ranks import hodges_lehmann
from cytoshift.shift.comparison import Comparison, take
from cytoshift.shift.covariates import covariates_of, design_groups
from cytoshift.shift.estimates import add_note
from cytoshift.shift.intervals import interval_features, unlike_features
from cytoshift.study.study import ShiftPlan

# Estimates of mixed models, in which subjects without a pair take part as well.
MODELLED = ("unstructured", "random_intercept", "blocked", "moderated_blocked")
OF_MEANS = "approximate: with non-detects, the limits of a mean of visits move with the visits that are known"
UNLIKE = "approximate: with non-detects, means of different numbers of visits are not exchangeable"


def to_ratio(estimate: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """2^estimate (log2), exp(estimate) (logit: an odds ratio), NaN (identity); infinite ends stay 0 and ∞."""
    with np.errstate(over="ignore"):
        ratio = np.where(scale == "log2", np.exp2(estimate), np.exp(estimate))
    return np.where(scale == "identity", np.nan, ratio)


def further_notes(frame: pd.DataFrame, comparison: Comparison, plan: ShiftPlan) -> np.ndarray:
    """The notes of a contrast's rows with Hodges–Lehmann, the spread guard and the words of the design appended."""
    note = frame["note"].to_numpy(dtype=object)
    estimated = frame["estimate"].notna().to_numpy()
    note = add_note(note, unlike_features(comparison) & frame["p_value"].notna().to_numpy(), UNLIKE)
    note = add_note(note, _limits_of_means(frame, comparison, plan), OF_MEANS)
    if comparison.kind == "paired":
        wanted = estimated & (frame["method"] != "signed_rank").to_numpy()
        wanted &= ~interval_features(comparison, plan)  # Walsh averages need numbers
        wanted &= ~frame["method"].str.contains("crossover").to_numpy()  # and know no periods
        note = add_note(note, wanted, _walsh(frame, comparison, plan))
    else:
        if comparison.dose is None:
            note = add_note(note, *_spread_guard(frame, comparison, plan))
        association = (not comparison.randomised) & (frame["p_value"].notna().to_numpy() | estimated)
        what = "arms" if comparison.dose is None else "doses"
        note = add_note(note, association, f"{what} not randomised: an association")
    if comparison.control is not None and not comparison.randomised:
        note = add_note(note, estimated, "order of conditions not randomised: descriptive")
    empty = ~comparison.present.any(axis=(0, 1))
    return add_note(note, empty & ~estimated & (note == ""), "no values in this contrast")


def _limits_of_means(frame: pd.DataFrame, comparison: Comparison, plan: ShiftPlan) -> np.ndarray:
    """Rows of arms of which the model takes a mean of visits for one value with one limit."""
    censored = frame["method"].str.startswith("censored").to_numpy() & frame["estimate"].notna().to_numpy()
    means = comparison.kind != "paired" and any(len(side.members) > 1 for side in comparison.sides)
    return interval_features(comparison, plan) & censored & means


def _walsh(frame: pd.DataFrame, comparison: Comparison, plan: ShiftPlan) -> np.ndarray:
    """'Hodges–Lehmann ratio 0.81 (0.62 to 1.04)' per feature."""
    location = hodges_lehmann(comparison.change, level=1 - plan.alpha)
    scale = frame["scale"].to_numpy(dtype=object)
    ends = [
        np.where(scale == "identity", values, to_ratio(values, scale))
        for values in (location.estimate, location.low, location.high)
    ]
    kinds = {"log2": "ratio", "logit": "odds ratio", "identity": "difference"}
    # A mixed model counts subjects that have no pair.
    who = np.where(frame["method"].isin(MODELLED), " of complete pairs", "")
    texts = [
        f"Hodges–Lehmann {kinds[name]}{of} {middle:.3g} ({low:.3g} to {_bound(high)})"
        for name, of, middle, low, high in zip(scale, who, *ends, strict=True)
    ]
    return np.array(texts, dtype=object)


def _bound(value: float) -> str:
    return "∞" if np.isinf(value) else f"{value:.3g}"


def _spread_guard(frame: pd.DataFrame, comparison: Comparison, plan: ShiftPlan) -> tuple[np.ndarray, np.ndarray]:
    """Where HC3 beside a common-variance model of two arms changes the conclusion: a mask and texts per feature."""
    texts, wanted = np.full(len(frame), "", dtype=object), np.zeros(len(frame), dtype=bool)
    methods = frame["method"]
    # Row by row: beside Welch's t, features with non-detects have a model of one spread.
    excused = methods.str.startswith("detection") | methods.isin([*MODELLED, "welch_t", "rank_sum"])
    if excused.all():
        return wanted, texts
    arm, own = comparison.arm, frame["p_value"].to_numpy(float, copy=True)
    outcome = comparison.target.tested if comparison.kind == "arms_at" else comparison.change
    intervals = interval_features(comparison, plan)
    robust = np.full(len(frame), np.nan)
    for group in design_groups(comparison):
        part = take(comparison, features=group)
        adjusts = part.reference is not None and bool(methods.isin(["ancova", "censored_ancova"]).any())
        robust[group] = _arm_p(part, outcome[:, group], plan, adjusts, "hc3")
        # Where non-detects stay intervals both p-values are taken with stand-ins: spread is what is asked about.
        own[group & intervals] = _arm_p(part, outcome[:, group], plan, adjusts, "equal")[intervals[group]]
    differs = (robust < plan.alpha) != (own < plan.alpha)
    wanted = ~np.isnan(robust) & ~np.isnan(own) & differs & ~excused.to_numpy()
    for place in np.flatnonzero(wanted):
        first, second = (np.nanstd(outcome[arm == side, place], ddof=1) for side in (1, 0))
        stand_in = f" instead of {own[place]:.3g}, limit/√2 for non-detects in both" if intervals[place] else ""
        texts[place] = (
            f"rests on equal spread in the arms (SD {first:.2g} and {second:.2g}); "
            f"without it p = {robust[place]:.3g} (HC3){stand_in}"
        )
    return wanted, texts


def _arm_p(part: Comparison, outcome: np.ndarray, plan: ShiftPlan, adjusts: bool, spread: Spread) -> np.ndarray:
    """p-value of the arm in a linear model of the outcome, or at follow-up given the baseline."""
    known = covariates_of(part, plan)
    if adjusts and part.reference is not None:
        after, before = part.target.tested, part.reference.tested
        return ancova(
            after, part.arm, known.columns, baseline=before, covariate_names=known.names, spread=spread
        ).p_value
    return arm_effect(outcome, part.arm, known.columns, covariate_names=known.names, spread=spread).p_value
