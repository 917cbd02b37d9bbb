"""Which estimator answers a contrast? `auto` follows the specification and the row names what was chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.shift.arms import ancova, arm_effect, student_t, welch_t
from cytoshift.shift.comparison import Comparison, take
from cytoshift.shift.covariates import covariate_columns
from cytoshift.shift.detection import fisher, mcnemar
from cytoshift.shift.estimates import Estimates, add_note
from cytoshift.shift.grid import ABOVE, BELOW, EXTRAPOLATED, MISSING, OBSERVED
from cytoshift.shift.moderation import fit_prior, moderate
from cytoshift.shift.paired import paired_t
from cytoshift.shift.ranks import rank_sum, signed_rank
from cytoshift.study.study import ShiftPlan

# The prior of moderation learns only from features whose spread is measured, not substituted.
NON_DETECTS_IN_PRIOR = 0.2


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
        if plan.randomised:
            return Choice("ancova")
        return Choice("change", "arms were not randomised and the plan does not name ancova: difference of changes")
    return Choice("moderated_t")


def non_detect_share(comparison: Comparison) -> np.ndarray:
    """Share of non-detects among the values of a contrast, per feature; NaN where it has no values."""
    counts = comparison.present.sum(axis=(0, 1))
    below = comparison.non_detects.sum(axis=(0, 1))
    return np.divide(below, counts, out=np.full(counts.shape, np.nan), where=counts > 0)


def on_detection_only(comparison: Comparison, plan: ShiftPlan) -> np.ndarray:
    """Features tested on detection: too many non-detects, or the contrast asks for it."""
    if comparison.contrast.method == "detection":
        return np.ones(len(comparison.features), dtype=bool)
    share = non_detect_share(comparison)
    return np.nan_to_num(share) > plan.limits.detection_only_above


def estimate_features(comparison: Comparison, plan: ShiftPlan) -> pd.DataFrame:
    """Estimates of every feature of a comparison, in its order: the columns of `Estimates`, one row per feature.

    Moderation learns within one layer. Features tested on detection carry no estimate here; see `detection_rows`.
    """
    choice = choose_method(comparison, plan)
    detection = on_detection_only(comparison, plan)
    share = non_detect_share(comparison)
    rows = []
    for layer in comparison.features["layer"].unique():
        chosen = (comparison.features["layer"] == layer).to_numpy() & ~detection
        if chosen.any():
            part = take(comparison, features=chosen)
            learn = np.nan_to_num(share[chosen], nan=1.0) <= NON_DETECTS_IN_PRIOR
            rows.append(_frame(_estimate(part, choice, plan, learn), chosen))
    if detection.any():
        rows.append(_detection_frame(take(comparison, features=detection), plan, detection))
    frame = pd.concat(rows).sort_index()
    if choice.reason:
        frame["note"] = add_note(frame["note"].to_numpy(), np.ones(len(frame), dtype=bool), choice.reason)
    substituted = (share > 0) & ~detection
    text = f"non-detects stood in for by {plan.limits.policy} (no censored model yet)"
    frame["note"] = add_note(frame["note"].to_numpy(), substituted, text)
    return frame


def _estimate(part: Comparison, choice: Choice, plan: ShiftPlan, learn: np.ndarray) -> Estimates:
    level = 1 - plan.alpha
    if part.kind == "paired":
        return _estimate_paired(part, choice, level, learn)
    covariates, names = covariate_columns(part, plan)
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
    return methods[choice.method]()


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


def detected(status: np.ndarray) -> np.ndarray:
    """1 where a value was detected, 0 below its limit, NaN missing; above the limit is detected."""
    found = np.isin(status, (OBSERVED, EXTRAPOLATED, ABOVE)).astype(float)
    return np.where(status == MISSING, np.nan, np.where(status == BELOW, 0.0, found))


def _detection_frame(part: Comparison, plan: ShiftPlan, chosen: np.ndarray) -> pd.DataFrame:
    after = detected(part.target.status)
    if part.kind == "paired" and part.reference is not None and part.control is None:
        test = mcnemar(detected(part.reference.status), after, alpha=plan.alpha)
        method, p_method = "detection_paired", "exact_mcnemar"
        counts = (~np.isnan(after) & ~np.isnan(detected(part.reference.status))).sum(axis=0)
        n_reference = n_target = counts
    elif part.kind == "paired" and part.control is not None and part.reference is None:
        test = mcnemar(detected(part.control[1].status), after, alpha=plan.alpha)
        method, p_method = "detection_paired", "exact_mcnemar"
        counts = (~np.isnan(after) & ~np.isnan(detected(part.control[1].status))).sum(axis=0)
        n_reference = n_target = counts
    elif part.kind == "paired":
        return _no_detection_test(part, chosen)
    else:
        test = fisher(after, part.arm == 1, alpha=plan.alpha)
        method, p_method = "detection_arms", "fisher_exact"
        present = ~np.isnan(after)
        n_target, n_reference = present[part.arm == 1].sum(axis=0), present[part.arm == 0].sum(axis=0)
        counts = n_target + n_reference
    note = [
        f"tested on detection only: odds ratio {odds:.3g} ({low:.3g} to {high:.3g})" + (f"; {text}" if text else "")
        for odds, low, high, text in zip(test.odds_ratio, test.ci_low, test.ci_high, test.note, strict=True)
    ]
    empty = np.full(len(counts), np.nan)
    frame = pd.DataFrame(dict.fromkeys(COLUMNS, empty), index=np.flatnonzero(chosen))
    return frame.assign(
        n_reference=n_reference, n_target=n_target, n=counts, p_value=test.p_value, note=np.array(note, dtype=object),
        method=method, p_method=p_method, ci_method="", odds_ratio=test.odds_ratio,
        n_informative=test.n_informative, smallest_p=test.smallest_p,
    )  # fmt: skip


def _no_detection_test(part: Comparison, chosen: np.ndarray) -> pd.DataFrame:
    """Detection as a difference of differences has no odds ratio; the joint sign-flip still tests it in a family."""
    frame = pd.DataFrame(dict.fromkeys(COLUMNS, np.nan), index=np.flatnonzero(chosen))
    counts = (~np.isnan(part.change)).sum(axis=0)
    note = "mostly non-detects: no estimate; detection against a control condition is tested in families only"
    return frame.assign(
        n_reference=counts, n_target=counts, n=counts, note=note, method="detection_paired", p_method="", ci_method=""
    )
