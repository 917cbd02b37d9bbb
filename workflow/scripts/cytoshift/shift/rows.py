"""The result table of a contrast: one row per feature with estimate, interval, effect size and what was possible."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import special

from cytoshift.frames import conform
from cytoshift.shift.arms import ancova, arm_effect
from cytoshift.shift.comparison import Comparison
from cytoshift.shift.covariates import covariate_columns
from cytoshift.shift.effects import detectable_difference, paired_effect, standardised_by_baseline
from cytoshift.shift.estimates import add_note
from cytoshift.shift.flips import count_informative
from cytoshift.shift.grid import MISSING
from cytoshift.shift.methods import estimate_features
from cytoshift.shift.ranks import hodges_lehmann, matched_rank_biserial
from cytoshift.study.study import ShiftPlan
from cytoshift.tables import SHIFTS
from cytoshift.vocabulary.names import roles_of

# Up to this many pairs all sign flips are listed; above it, or with more relabellings, this many are drawn.
MAX_EXACT_PAIRS = 16
DRAWS = 9_999


def shift_rows(comparison: Comparison, plan: ShiftPlan) -> pd.DataFrame:
    """The SHIFTS table of one contrast, a row per feature in the panel's order."""
    frame = estimate_features(comparison, plan)
    described = comparison.features
    scale = described["scale"].to_numpy(dtype=object)
    frame = frame.assign(
        study=plan.id,
        contrast=comparison.contrast.id,
        **{name: described[name].to_numpy(dtype=object) for name in described.columns},
        roles=[",".join(roles_of(feature.split("@")[0])) for feature in described["feature"]],
        n_pairs=frame["n"],
        **_counts(comparison),
    )
    for name, source in (("ratio", "estimate"), ("ratio_low", "ci_low"), ("ratio_high", "ci_high")):
        frame[name] = to_ratio(frame[source].to_numpy(dtype=float), scale)
    frame = _effect_sizes(frame, comparison)
    frame = _possibilities(frame, comparison, plan)
    frame["note"] = _further_notes(frame, comparison, plan)
    if comparison.kind == "arms_change":  # both visits of both arms; each arm's own count is in ARM_CHANGES
        frame["n_reference"] = frame["n_target"] = frame["n"]
    return conform(frame[[name for name in SHIFTS.names() if name in frame.columns]], SHIFTS)


def to_ratio(estimate: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """2^estimate (log2), exp(estimate) (logit: an odds ratio), NaN (identity); infinite ends stay 0 and ∞."""
    with np.errstate(over="ignore"):
        ratio = np.where(scale == "log2", np.exp2(estimate), np.exp(estimate))
    return np.where(scale == "identity", np.nan, ratio)


def _counts(comparison: Comparison) -> dict[str, np.ndarray]:
    """Non-detects on each side, among the subjects that can be used; with arms at one visit the sides are the arms."""
    usable = comparison.present.all(axis=0)
    non_detects = comparison.non_detects & usable
    if comparison.kind == "arms_at":
        here = non_detects[0]
        return {
            "below_reference": here[comparison.arm == 0].sum(axis=0),
            "below_target": here[comparison.arm == 1].sum(axis=0),
        }
    target = 0 if comparison.reference is None else 1
    before = np.zeros(non_detects.shape[2], dtype=int) if target == 0 else non_detects[0].sum(axis=0)
    return {"below_reference": before, "below_target": non_detects[target].sum(axis=0)}


def _effect_sizes(frame: pd.DataFrame, comparison: Comparison) -> pd.DataFrame:
    detection = frame["method"].str.startswith("detection").to_numpy()
    if comparison.kind == "paired" and comparison.reference is not None and comparison.control is None:
        if (frame["method"] == "signed_rank").any():
            size, kind = matched_rank_biserial(comparison.change), "matched_rank_biserial"
        else:
            effect = paired_effect(comparison.reference.tested, comparison.target.tested)
            size, kind = effect.estimate, effect.kind
    else:
        side = comparison.reference or (comparison.control[1] if comparison.control else comparison.target)
        baseline = side.tested[comparison.arm == 0] if comparison.kind == "arms_at" else side.tested
        size, kind = standardised_by_baseline(frame["estimate"].to_numpy(dtype=float), baseline), "baseline_sd"
    odds = frame["odds_ratio"] if "odds_ratio" in frame else pd.Series(np.nan, index=frame.index)
    frame["effect_size"] = np.where(detection, odds, size)
    frame["effect_size_kind"] = np.where(detection, "odds_ratio_of_detection", kind)
    frame.loc[frame["effect_size"].isna(), "effect_size_kind"] = ""
    return frame


def _possibilities(frame: pd.DataFrame, comparison: Comparison, plan: ShiftPlan) -> pd.DataFrame:
    """Informative pairs, smallest exact p, and the ratio that would have been found with 80 % power."""
    detection = frame["method"].str.startswith("detection").to_numpy()
    scale = frame["scale"].to_numpy(dtype=object)
    if comparison.kind == "paired":
        informative = count_informative(comparison.change)
        listed = len(comparison.subjects) <= MAX_EXACT_PAIRS
        smallest = np.clip(2.0 ** (1 - informative), 0.0 if listed else 1 / (DRAWS + 1), 1.0)
        detectable = _detectable_paired(comparison, plan)
    else:
        informative = frame["n"].to_numpy(dtype=float)
        relabellings = special.binom(frame["n"].to_numpy(float), frame["n_target"].to_numpy(float))
        smallest = np.clip(2 / relabellings, 1 / (DRAWS + 1), 1.0)
        detectable = _detectable_arms(frame, plan)
    for name, values in (("n_informative", informative), ("smallest_p", smallest)):
        own = frame[name] if name in frame else pd.Series(np.nan, index=frame.index)
        frame[name] = np.where(detection & own.notna(), own, values)
    ratio = np.where(scale == "identity", detectable, to_ratio(detectable, scale))
    frame["detectable_ratio"] = np.where(detection, np.nan, ratio)
    return frame


def _detectable_paired(comparison: Comparison, plan: ShiftPlan) -> np.ndarray:
    change = comparison.change
    count = (~np.isnan(change)).sum(axis=0)
    known = count >= 2
    spread = np.full(change.shape[1], np.nan)
    spread[known] = np.nanstd(change[:, known], axis=0, ddof=1)
    return detectable_difference(np.where(spread > 0, spread, np.nan), count, alpha=plan.alpha)


def _detectable_arms(frame: pd.DataFrame, plan: ShiftPlan) -> np.ndarray:
    """From the standard error: sd = se/√(1/n₁ + 1/n₀), so that adjustment counts."""
    first, second = frame["n_target"].to_numpy(float), frame["n_reference"].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = frame["se"].to_numpy(float) / np.sqrt(1 / first + 1 / second)
    return detectable_difference(np.where(spread > 0, spread, np.nan), first, second, alpha=plan.alpha)


def _further_notes(frame: pd.DataFrame, comparison: Comparison, plan: ShiftPlan) -> np.ndarray:
    note = frame["note"].to_numpy(dtype=object)
    estimated = frame["estimate"].notna().to_numpy()
    if comparison.kind == "paired":
        location = hodges_lehmann(comparison.change, level=1 - plan.alpha)
        ratio = np.where(
            frame["scale"] == "identity",
            location.estimate,
            to_ratio(location.estimate, frame["scale"].to_numpy(dtype=object)),
        )
        shown = estimated & np.isfinite(ratio) & (frame["method"] != "signed_rank").to_numpy()
        texts = np.array([f"Hodges–Lehmann {value:.3g}" for value in np.where(shown, ratio, 0.0)], dtype=object)
        note = add_note(note, shown, texts)
    guard = _spread_guard(frame, comparison, plan)
    if guard is not None:
        other = (guard < plan.alpha) != (frame["p_value"].to_numpy(float) < plan.alpha)
        texts = np.array([f"arms differ in spread: HC3 p = {value:.3g}" for value in guard], dtype=object)
        note = add_note(note, other & estimated & ~np.isnan(guard), texts)
    if comparison.kind == "arms_change" and not plan.randomised:
        note = add_note(note, estimated, "arms not randomised: an association")
    if comparison.kind == "paired" and comparison.control is not None and not plan.randomised:
        note = add_note(note, estimated, "order of conditions not randomised: descriptive")
    lost = (comparison.target.status == MISSING).all(axis=0)
    return add_note(note, lost & ~estimated & (note == ""), "no values in this contrast")


def _spread_guard(frame: pd.DataFrame, comparison: Comparison, plan: ShiftPlan) -> np.ndarray | None:
    """p by HC3 beside a common-variance model of two arms (unequal arms with unequal spread break the latter)."""
    if comparison.kind == "paired" or frame["method"].isin(["welch_t", "rank_sum"]).any():
        return None
    covariates, names = covariate_columns(comparison, plan)
    if comparison.reference is not None and (frame["method"] == "ancova").any():
        baseline = comparison.reference.tested
        robust = ancova(
            comparison.target.tested, comparison.arm, covariates, baseline=baseline, covariate_names=names, spread="hc3"
        )
    else:
        outcome = comparison.target.tested if comparison.kind == "arms_at" else comparison.change
        robust = arm_effect(outcome, comparison.arm, covariates, covariate_names=names, spread="hc3")
    return robust.p_value
