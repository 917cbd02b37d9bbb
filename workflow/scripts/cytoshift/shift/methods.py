"""Which estimator answers a contrast? `auto` follows the specification and the row names what was chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cytoshift.shift.arms import ancova, arm_effect, student_t, welch_t
from cytoshift.shift.comparison import Comparison, take
from cytoshift.shift.covariates import covariates_of, design_groups
from cytoshift.shift.detection import fisher, mcnemar
from cytoshift.shift.estimates import Estimates, add_note
from cytoshift.shift.grid import ABOVE, BELOW
from cytoshift.shift.moderation import fit_prior, moderate
from cytoshift.shift.paired import paired_t
from cytoshift.shift.ranks import rank_sum, signed_rank
from cytoshift.study.study import ShiftPlan

# The prior of moderation learns only from features whose spread is measured, not substituted.
NON_DETECTS_IN_PRIOR = 0.2
STAND_INS = {"half_limit": "half the limit", "limit_over_sqrt2": "limit/√2", "limit": "the limit"}


@dataclass(frozen=True)
class Choice:
    """What a contrast asks for: the estimator's name and why, in words a reader can check."""

    method: str
    reason: str = ""


def choose_method(comparison: Comparison, plan: ShiftPlan) -> Choice:
    """The method of a contrast: the one named in the plan, or what `auto` comes to (METHODS §3)."""
    contrast = comparison.contrast
    if contrast.method != "auto":
        return Choice(contrast.method)
    if comparison.kind == "arms_at":
        return Choice("linear_model" if contrast.adjust else "welch_t")
    if comparison.kind == "arms_change":
        if comparison.randomised:
            return Choice("ancova")
        return Choice("change", "arms were not randomised and the plan does not name ancova: difference of changes")
    if comparison.control is not None:
        return Choice("moderated_t", "difference of differences within the subject, not adjusted for period")
    return Choice("moderated_t")


def share_with_status(comparison: Comparison, *codes: int) -> np.ndarray:
    """Share of values with these status codes in a contrast, per feature; NaN where it has no values."""
    counts = comparison.present.sum(axis=(0, 1))
    found = comparison.with_status(*codes).sum(axis=(0, 1))
    return np.divide(found, counts, out=np.full(counts.shape, np.nan), where=counts > 0)


def on_detection_only(comparison: Comparison, plan: ShiftPlan) -> np.ndarray:
    """Features tested on detection: too many values below their limit, or the contrast asks for it."""
    if comparison.contrast.method == "detection":
        return np.ones(len(comparison.features), dtype=bool)
    return np.nan_to_num(share_with_status(comparison, BELOW)) > plan.limits.detection_only_above


def estimate_features(comparison: Comparison, plan: ShiftPlan) -> pd.DataFrame:
    """Estimates of every feature of a comparison, in its order: the columns of `Estimates`, one row per feature.

    Moderation learns within one layer (and design). Features tested on detection carry no estimate.
    """
    choice = choose_method(comparison, plan)
    detection = on_detection_only(comparison, plan)
    share = share_with_status(comparison, BELOW, ABOVE)
    layers = comparison.features["layer"]
    rows = [pd.DataFrame({name: pd.Series(dtype=float) for name in COLUMNS})]
    for group in design_groups(comparison):
        for layer in layers[group].unique():
            chosen = group & (layers == layer).to_numpy() & ~detection
            if chosen.any():
                part = take(comparison, features=chosen)
                learn = np.nan_to_num(share[chosen], nan=1.0) <= NON_DETECTS_IN_PRIOR
                rows.append(_frame(_estimate(part, choice, plan, learn), chosen))
    if detection.any():
        rows.append(_detection_frame(take(comparison, features=detection), plan, detection))
    frame = pd.concat([row for row in rows if len(row)] or rows).sort_index()
    everywhere = np.ones(len(frame), dtype=bool)
    note = frame["note"].to_numpy(dtype=object)
    if choice.reason:
        note = add_note(note, everywhere, choice.reason)
    if plan.limits.policy == "drop":
        text = "non-detects dropped by the plan's policy: biased upwards"
    else:
        text = f"{STAND_INS[plan.limits.policy]} stands in for non-detects (a censored model is not available)"
    note = add_note(note, (share > 0) & ~detection, text)
    again = comparison.recensored
    texts = np.array([f"{count} values judged by the larger limit of their pair" for count in again], dtype=object)
    frame["note"] = add_note(note, again > 0, texts)
    return frame


def _estimate(part: Comparison, choice: Choice, plan: ShiftPlan, learn: np.ndarray) -> Estimates:
    level = 1 - plan.alpha
    if part.kind == "paired":
        return _estimate_paired(part, choice, level, learn)
    adjusted = covariates_of(part, plan)
    covariates, names = adjusted.columns, adjusted.names
    arm = part.arm
    outcome = part.target.tested
    methods: dict[str, Callable[[], Estimates]] = {
        "welch_t": lambda: welch_t(outcome[arm == 1], outcome[arm == 0], level=level),
        "student_t": lambda: student_t(outcome[arm == 1], outcome[arm == 0], level=level),
        "rank_sum": lambda: rank_sum(outcome[arm == 1], outcome[arm == 0], level=level),
        "linear_model": lambda: arm_effect(outcome, arm, covariates, covariate_names=names, level=level),
    }
    if part.kind == "arms_change":
        if part.reference is None:
            raise ValueError(f"contrast {part.contrast.id}: a change needs a reference visit")
        baseline, change = part.reference.tested, part.change
        outcome = change  # the other methods compare the changes
        methods |= {
            "ancova": lambda: ancova(
                part.target.tested, arm, covariates, baseline=baseline, covariate_names=names, level=level
            ),
            "change": lambda: arm_effect(
                change, arm, covariates, covariate_names=names, level=level, method="difference_of_changes"
            ),
        }
    if choice.method == "moderated_t":
        base = arm_effect(outcome, arm, covariates, covariate_names=names, level=level, method="difference")
        return moderate(base, fit_prior(base.residual_variance, base.df, use=learn), level=level)
    estimates = methods[choice.method]()
    told = np.full(estimates.n.shape, bool(adjusted.words))
    return replace(estimates, note=add_note(estimates.note, told, adjusted.words))


def _estimate_paired(part: Comparison, choice: Choice, level: float, learn: np.ndarray) -> Estimates:
    if choice.method == "signed_rank":
        return signed_rank(part.change, level=level)
    base = paired_t(part.change, level=level)
    if choice.method == "moderated_t":
        return moderate(base, fit_prior(base.residual_variance, base.df, use=learn), level=level)
    return base


COLUMNS = ["n_reference", "n_target", "n", "estimate", "se", "df", "ci_low", "ci_high", "statistic", "p_value", "note"]


def _frame(estimates: Estimates, chosen: np.ndarray) -> pd.DataFrame:
    frame = pd.DataFrame({name: getattr(estimates, name) for name in COLUMNS}, index=np.flatnonzero(chosen))
    return frame.assign(method=estimates.method, p_method=estimates.p_method, ci_method=estimates.ci_method)


def _detection_frame(part: Comparison, plan: ShiftPlan, chosen: np.ndarray) -> pd.DataFrame:
    """Tests of detection: McNemar within subjects, Fisher between arms at the target visit, else only in families."""
    after = part.target.detected
    before = None if part.reference is None else part.reference.detected
    if part.kind == "paired" and part.control is not None and before is None:
        before = part.control[1].detected
    double = part.control is not None and part.reference is not None
    if double or (part.kind == "arms_change" and not part.randomised):
        return _no_detection_test(part, chosen)
    if part.kind == "paired" and before is not None:
        test = mcnemar(before, after, alpha=plan.alpha)
        n_target = n_reference = counts = (~np.isnan(after) & ~np.isnan(before)).sum(axis=0)
        method, p_method, where = "detection_paired", "exact_mcnemar", ""
    else:
        test = fisher(after, part.arm == 1, alpha=plan.alpha)
        n_target, n_reference = ((~np.isnan(after[part.arm == side])).sum(axis=0) for side in (1, 0))
        counts = n_target + n_reference
        method, p_method, where = "detection_arms", "fisher_exact", " at the target visit"
    note = [
        f"tested on detection only{where}: " + _odds(odds, low, high) + (f"; {text}" if text else "")
        for odds, low, high, text in zip(test.odds_ratio, test.ci_low, test.ci_high, test.note, strict=True)
    ]
    frame = pd.DataFrame({name: np.full(len(counts), np.nan) for name in COLUMNS}, index=np.flatnonzero(chosen))
    return frame.assign(
        n_reference=n_reference, n_target=n_target, n=counts, p_value=test.p_value, note=np.array(note, dtype=object),
        method=method, p_method=p_method, ci_method="", odds_ratio=test.odds_ratio,
        n_informative=test.n_informative, smallest_p=test.smallest_p,
    )  # fmt: skip


def _odds(odds: float, low: float, high: float) -> str:
    if np.isnan(odds):
        return "no odds ratio, nothing differs"

    def words(value: float) -> str:
        return "∞" if np.isinf(value) else f"{value:.3g}"

    return f"odds ratio {words(odds)} ({words(low)} to {words(high)})"


def _no_detection_test(part: Comparison, chosen: np.ndarray) -> pd.DataFrame:
    """A change of detection compared with another has no odds ratio; families still test it."""
    frame = pd.DataFrame(dict.fromkeys(COLUMNS, np.nan), index=np.flatnonzero(chosen))
    counts = part.present.all(axis=0).sum(axis=0)
    note = "mostly non-detects: no estimate; the change of detection against the comparison is tested in families only"
    method = "detection_paired" if part.kind == "paired" else "detection_arms"
    return frame.assign(
        n_reference=counts, n_target=counts, n=counts, note=note, method=method, p_method="", ci_method="",
        n_informative=np.nan, smallest_p=np.nan,
    )  # fmt: skip
