"""The result table of a contrast: one row per feature with estimate, interval, effect size and what was possible."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.frames import conform
from cytoshift.shift.comparison import Comparison
from cytoshift.shift.effects import detectable_difference, paired_effect, standardised_by_baseline
from cytoshift.shift.endpoints import resolve_features
from cytoshift.shift.estimates import add_note
from cytoshift.shift.flips import count_informative, sign_flip_interval, sign_flip_test
from cytoshift.shift.grid import ABOVE, BELOW
from cytoshift.shift.methods import estimate_features
from cytoshift.shift.notes import further_notes, to_ratio
from cytoshift.shift.orbits import joint_null
from cytoshift.shift.ranks import matched_rank_biserial
from cytoshift.shift.rearrangements import smallest_two_sided_p
from cytoshift.study.contrasts import concerned
from cytoshift.study.study import ShiftPlan
from cytoshift.tables import SHIFTS
from cytoshift.vocabulary.names import roles_of


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
    frame = _invert_in_families(frame, comparison, plan)
    for name, source in (("ratio", "estimate"), ("ratio_low", "ci_low"), ("ratio_high", "ci_high")):
        frame[name] = to_ratio(frame[source].to_numpy(dtype=float), scale)
    frame = _effect_sizes(frame, comparison)
    frame = _possibilities(frame, comparison, plan)
    frame["note"] = further_notes(frame, comparison, plan)
    if comparison.kind == "arms_change":  # both visits of both arms; each arm's own count is in ARM_CHANGES
        frame["n_reference"] = frame["n_target"] = frame["n"]
    return conform(frame[[name for name in SHIFTS.names() if name in frame.columns]], SHIFTS)


def _invert_in_families(frame: pd.DataFrame, comparison: Comparison, plan: ShiftPlan) -> pd.DataFrame:
    """In planned families p and interval of a row are those of the sign-flip test that decides (METHODS §3).

    For features without non-detects in paired contrasts whose method was left to `auto`; the others keep their t.
    """
    if comparison.kind != "paired" or comparison.contrast.method != "auto" or not len(comparison.subjects):
        return frame
    planned = np.zeros(len(frame), dtype=bool)
    for endpoint in plan.endpoints:
        ids = [contrast.id for contrast in concerned(endpoint, plan.contrasts)]
        if endpoint.tier != "exploratory" and comparison.contrast.id in ids:
            planned |= resolve_features(endpoint, frame).to_numpy()
    planned &= ~comparison.with_status(BELOW, ABOVE).any(axis=(0, 1)) & frame["se"].notna().to_numpy()
    null = joint_null(comparison, plan)
    if not planned.any() or null.flips is None:
        return frame
    sampled = np.all([side.sampled for side in comparison.sides], axis=0)
    low, high = sign_flip_interval(comparison.change[sampled][:, planned], null.flips, alpha=plan.alpha)
    frame.loc[planned, "ci_low"], frame.loc[planned, "ci_high"] = low, high
    test = sign_flip_test(comparison.change[sampled][:, planned], null.flips)
    frame.loc[planned, "p_value"] = test.p_value
    frame.loc[planned, ["p_method", "ci_method"]] = "sign_flip"
    return frame


def _counts(comparison: Comparison) -> dict[str, np.ndarray]:
    """Non-detects on each side, among the subjects that can be used; with arms at one visit the sides are the arms."""
    usable = comparison.present.all(axis=0)
    non_detects = comparison.with_status(BELOW, ABOVE) & usable
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
    """Informative subjects, smallest exact p, and the ratio that would have been found with 80 % power."""
    detection = frame["method"].str.startswith("detection").to_numpy()
    scale = frame["scale"].to_numpy(dtype=object)
    null = joint_null(comparison, plan)
    if comparison.kind == "paired":
        informative = count_informative(comparison.change).astype(float)
        detectable = _detectable_paired(comparison, plan)
    else:
        informative = frame["n"].to_numpy(dtype=float)
        detectable = _detectable_arms(frame, plan)
    smallest = np.full(len(frame), np.nan) if null.orbit is None else smallest_two_sided_p(null.orbit)
    for name, values in (("n_informative", informative), ("smallest_p", smallest)):
        own = frame[name] if name in frame else pd.Series(np.nan, index=frame.index)
        frame[name] = np.where(detection, own, values)
    if null.orbit is not None and comparison.randomised and comparison.kind != "paired":
        lost = ~null.orbit.defined & frame["estimate"].notna().to_numpy()
        text = "no stratum holds both arms: the exact test has no information"
        frame["note"] = add_note(frame["note"].to_numpy(dtype=object), lost, text)
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
