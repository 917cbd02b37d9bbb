"""The result table of a contrast: one row per feature with estimate, interval, effect size and what was possible."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.frames import conform
from cytoshift.shift.censoring.censored_change import BY_SCORES
from cytoshift.shift.classical.effects import detectable_difference
from cytoshift.shift.comparison import Comparison, take
from cytoshift.shift.effect_columns import with_effect_sizes
from cytoshift.shift.endpoints import resolve_features
from cytoshift.shift.estimates import add_note
from cytoshift.shift.exact.flips import count_informative, sign_flip_interval, sign_flip_test
from cytoshift.shift.exact.inversion import inverted_interval
from cytoshift.shift.exact.rearrangements import Rearrangements, smallest_two_sided_p, two_sided_p
from cytoshift.shift.grid import ABOVE, BELOW
from cytoshift.shift.intervals import bounds_of_pairs, interval_features, is_one_change, pair_sum_of
from cytoshift.shift.methods import estimate_features
from cytoshift.shift.notes import MODELLED, further_notes, to_ratio
from cytoshift.shift.orbits import JointNull, joint_null
from cytoshift.shift.orders.order_inversion import order_interval
from cytoshift.shift.orders.order_null import OrderNull
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
    null = joint_null(comparison, plan)
    frame = _invert_in_families(frame, comparison, plan, null)
    for name, source in (("ratio", "estimate"), ("ratio_low", "ci_low"), ("ratio_high", "ci_high")):
        frame[name] = to_ratio(frame[source].to_numpy(dtype=float), scale)
    frame = with_effect_sizes(frame, comparison, plan)
    frame = _possibilities(frame, comparison, plan, null)
    frame["note"] = further_notes(frame, comparison, plan)
    if comparison.kind == "arms_change":  # both visits of both arms; each arm's own count is in ARM_CHANGES
        frame["n_reference"] = frame["n_target"] = frame["n"]
    return conform(frame[[name for name in SHIFTS.names() if name in frame.columns]], SHIFTS)


def _invert_in_families(frame: pd.DataFrame, comparison: Comparison, plan: ShiftPlan, null: JointNull) -> pd.DataFrame:
    """In planned families p and interval of a row are those of the exact test that decides (METHODS §3).

    For paired contrasts whose method was left to `auto`; where a number stands in for non-detects the t stays.
    """
    if comparison.kind != "paired" or comparison.contrast.method != "auto":
        return frame
    planned = _planned(frame, comparison, plan)
    planned &= ~(frame["method"].str.startswith("detection") | frame["method"].isin(MODELLED)).to_numpy()
    if null.orders is not None:
        return _invert_orders(frame, comparison, plan, null.orders, planned)
    if null.flips is None or null.scores is None:
        return frame
    sampled = np.all([side.sampled for side in comparison.sides], axis=0)
    intervals = interval_features(comparison, plan)
    known = planned & ~comparison.with_status(BELOW, ABOVE).any(axis=(0, 1)) & frame["se"].notna().to_numpy()
    censored = planned & intervals & (frame["n"] > 0).to_numpy()
    for chosen, find in ((known, _interval_of_changes), (censored, _interval_of_pairs)):
        if chosen.any():
            part = take(comparison, subjects=sampled, features=chosen)
            low, high = find(part, null.flips, plan.alpha)
            frame["note"] = _open_ends(frame, chosen, low, high)
            frame.loc[chosen, "ci_low"], frame.loc[chosen, "ci_high"] = low, high
            frame.loc[chosen, "p_value"] = sign_flip_test(null.scores[sampled][:, chosen], null.flips).p_value
            frame.loc[chosen, ["p_method", "ci_method"]] = "sign_flip"
            # The exact p has taken the place of the other.
            frame.loc[chosen, "note"] = [text.replace(f"; {BY_SCORES}", "") for text in frame.loc[chosen, "note"]]
    return frame


def _open_ends(frame: pd.DataFrame, chosen: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Notes with the interval of the row's own method where the exact test leaves an end open."""
    scale = frame["scale"].to_numpy(dtype=object)
    ends = [frame[name].to_numpy(dtype=float) for name in ("ci_low", "ci_high")]
    shown = [np.where(scale == "identity", end, to_ratio(end, scale)) for end in ends]
    words = {"log2": "ratio", "logit": "odds ratio", "identity": "difference"}
    texts = [
        f"too few subjects say anything for an exact interval that is closed; {words[kind]} by "
        f"{str(method).replace('_', ' ')}: {first:.3g} to {second:.3g}"
        for kind, method, first, second in zip(scale, frame["ci_method"], *shown, strict=True)
    ]
    wide = np.zeros(len(frame), dtype=bool)
    wide[chosen] = ~(np.isfinite(low) & np.isfinite(high))
    wide &= np.isfinite(ends[0]) | np.isfinite(ends[1])
    return add_note(frame["note"].to_numpy(dtype=object), wide, np.array(texts, dtype=object))


def _planned(frame: pd.DataFrame, comparison: Comparison, plan: ShiftPlan) -> np.ndarray:
    """Features that a primary or secondary endpoint tests in this contrast."""
    planned = np.zeros(len(frame), dtype=bool)
    for endpoint in plan.endpoints:
        ids = [contrast.id for contrast in concerned(endpoint, plan.contrasts)]
        if endpoint.tier != "exploratory" and comparison.contrast.id in ids:
            planned |= resolve_features(endpoint, frame).to_numpy()
    return planned


def _invert_orders(
    frame: pd.DataFrame, comparison: Comparison, plan: ShiftPlan, orders: OrderNull, planned: np.ndarray
) -> pd.DataFrame:
    """The interval that the test of exchanged orders does not reject, where every value is known; else words."""
    known = planned & ~comparison.with_status(BELOW, ABOVE).any(axis=(0, 1)) & frame["se"].notna().to_numpy()
    chosen = known & orders.orbit.defined if orders.scores is not None else np.zeros_like(known)
    if orders.scores is not None and chosen.any():
        fair = orders.fair
        limits = order_interval(orders.scores[:, chosen], fair.order, fair.relabellings, fair.strata, alpha=plan.alpha)
        frame.loc[chosen, "ci_low"], frame.loc[chosen, "ci_high"] = limits
        frame.loc[chosen, "p_value"] = two_sided_p(orders.orbit.take(chosen))
        frame.loc[chosen, ["p_method", "ci_method"]] = "exact_order"
    others = planned & ~chosen & frame["p_value"].notna().to_numpy()
    frame["note"] = add_note(frame["note"].to_numpy(dtype=object), others, "decided by redistributed orders instead")
    return frame


def _interval_of_changes(part: Comparison, flips: Rearrangements, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    return sign_flip_interval(part.change, flips, alpha=alpha)


def _interval_of_pairs(part: Comparison, flips: Rearrangements, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    pairs = bounds_of_pairs(part) if is_one_change(part) else pair_sum_of(part)
    return inverted_interval(pairs, flips, alpha=alpha)


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


def _possibilities(frame: pd.DataFrame, comparison: Comparison, plan: ShiftPlan, null: JointNull) -> pd.DataFrame:
    """Informative subjects, smallest exact p, and the ratio that would have been found with 80 % power."""
    detection = frame["method"].str.startswith("detection").to_numpy()
    scale = frame["scale"].to_numpy(dtype=object)
    if comparison.kind == "paired":
        scores = comparison.change if null.scores is None else null.scores
        informative = count_informative(scores) if null.orders is None else null.orders.informative
        detectable = _detectable_paired(frame, comparison, plan)
    else:
        informative = frame["n"].to_numpy(dtype=float)
        detectable = _detectable_arms(frame, plan)
    smallest = np.full(len(frame), np.nan) if null.orbit is None else smallest_two_sided_p(null.orbit)
    for name, values in (("n_informative", informative), ("smallest_p", smallest)):
        own = frame[name] if name in frame else pd.Series(np.nan, index=frame.index)
        frame[name] = np.where(detection, own, values)
    if null.orbit is not None and comparison.randomised and comparison.kind != "paired":
        lost = ~null.orbit.defined & frame["estimate"].notna().to_numpy()
        what = "both arms" if comparison.dose is None else "two doses"
        text = f"no stratum holds {what}: the exact test has no information"
        frame["note"] = add_note(frame["note"].to_numpy(dtype=object), lost, text)
    ratio = np.where(scale == "identity", detectable, to_ratio(detectable, scale))
    frame["detectable_ratio"] = np.where(detection, np.nan, ratio)
    return frame


def _detectable_paired(frame: pd.DataFrame, comparison: Comparison, plan: ShiftPlan) -> np.ndarray:
    """From the spread of the changes; from the standard error where they are intervals, adjusted or modelled."""
    change = comparison.change
    count = (~np.isnan(change)).sum(axis=0)
    known = count >= 2
    spread = np.full(change.shape[1], np.nan)
    spread[known] = np.nanstd(change[:, known], axis=0, ddof=1)
    from_error = frame["se"].to_numpy(float) * np.sqrt(frame["n"].to_numpy(float))
    adjusted = (frame["method"].str.contains("crossover") | frame["method"].isin(MODELLED)).to_numpy()
    spread = np.where(interval_features(comparison, plan) | adjusted, from_error, spread)
    count = np.where(adjusted, frame["n"].to_numpy(float), count)
    return detectable_difference(np.where(spread > 0, spread, np.nan), count, alpha=plan.alpha)


def _detectable_arms(frame: pd.DataFrame, plan: ShiftPlan) -> np.ndarray:
    """From the standard error: sd = se/√(1/n₁ + 1/n₀), so that adjustment counts."""
    first, second = frame["n_target"].to_numpy(float), frame["n_reference"].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = frame["se"].to_numpy(float) / np.sqrt(1 / first + 1 / second)
    return detectable_difference(np.where(spread > 0, spread, np.nan), first, second, alpha=plan.alpha)
