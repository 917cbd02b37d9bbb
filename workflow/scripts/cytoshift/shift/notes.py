"""What must stand beside a row so that nobody reads more out of it than is in it?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.shift.arms import ancova, arm_effect
from cytoshift.shift.comparison import Comparison, take
from cytoshift.shift.covariates import covariates_of, design_groups
from cytoshift.shift.estimates import add_note
from cytoshift.shift.ranks import hodges_lehmann
from cytoshift.study.study import ShiftPlan


def to_ratio(estimate: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """2^estimate (log2), exp(estimate) (logit: an odds ratio), NaN (identity); infinite ends stay 0 and ∞."""
    with np.errstate(over="ignore"):
        ratio = np.where(scale == "log2", np.exp2(estimate), np.exp(estimate))
    return np.where(scale == "identity", np.nan, ratio)


def further_notes(frame: pd.DataFrame, comparison: Comparison, plan: ShiftPlan) -> np.ndarray:
    """The notes of a contrast's rows with Hodges–Lehmann, the spread guard and the words of the design appended."""
    note = frame["note"].to_numpy(dtype=object)
    estimated = frame["estimate"].notna().to_numpy()
    if comparison.kind == "paired":
        wanted = estimated & (frame["method"] != "signed_rank").to_numpy()
        note = add_note(note, wanted, _walsh(frame, comparison, plan))
    else:
        note = add_note(note, *_spread_guard(frame, comparison, plan))
        association = (not comparison.randomised) & (frame["p_value"].notna().to_numpy() | estimated)
        note = add_note(note, association, "arms not randomised: an association")
    if comparison.control is not None and not comparison.randomised:
        note = add_note(note, estimated, "order of conditions not randomised: descriptive")
    empty = ~comparison.present.any(axis=(0, 1))
    return add_note(note, empty & ~estimated & (note == ""), "no values in this contrast")


def _walsh(frame: pd.DataFrame, comparison: Comparison, plan: ShiftPlan) -> np.ndarray:
    """'Hodges–Lehmann ratio 0.81 (0.62 to 1.04)' per feature."""
    location = hodges_lehmann(comparison.change, level=1 - plan.alpha)
    scale = frame["scale"].to_numpy(dtype=object)
    ends = [
        np.where(scale == "identity", values, to_ratio(values, scale))
        for values in (location.estimate, location.low, location.high)
    ]
    kinds = {"log2": "ratio", "logit": "odds ratio", "identity": "difference"}
    texts = [
        f"Hodges–Lehmann {kinds[name]} {middle:.3g} ({low:.3g} to {_bound(high)})"
        for name, middle, low, high in zip(scale, *ends, strict=True)
    ]
    return np.array(texts, dtype=object)


def _bound(value: float) -> str:
    return "∞" if np.isinf(value) else f"{value:.3g}"


def _spread_guard(frame: pd.DataFrame, comparison: Comparison, plan: ShiftPlan) -> tuple[np.ndarray, np.ndarray]:
    """Where HC3 beside a common-variance model of two arms changes the conclusion: a mask and texts per feature."""
    texts, wanted = np.full(len(frame), "", dtype=object), np.zeros(len(frame), dtype=bool)
    methods = frame["method"]
    if methods.isin(["welch_t", "rank_sum"]).any():
        return wanted, texts
    arm, own = comparison.arm, frame["p_value"].to_numpy(float)
    outcome = comparison.target.tested if comparison.kind == "arms_at" else comparison.change
    robust = np.full(len(frame), np.nan)
    for group in design_groups(comparison):
        part = take(comparison, features=group)
        known = covariates_of(part, plan)
        if part.reference is not None and (methods == "ancova").any():
            after, before = part.target.tested, part.reference.tested
            fit = ancova(after, arm, known.columns, baseline=before, covariate_names=known.names, spread="hc3")
        else:
            fit = arm_effect(outcome[:, group], arm, known.columns, covariate_names=known.names, spread="hc3")
        robust[group] = fit.p_value
    differs = (robust < plan.alpha) != (own < plan.alpha)
    wanted = ~np.isnan(robust) & ~np.isnan(own) & differs & ~methods.str.startswith("detection").to_numpy()
    for place in np.flatnonzero(wanted):
        first, second = (np.nanstd(outcome[arm == side, place], ddof=1) for side in (1, 0))
        texts[place] = (
            f"rests on equal spread in the arms (SD {first:.2g} and {second:.2g}); "
            f"without it p = {robust[place]:.3g} (HC3)"
        )
    return wanted, texts
