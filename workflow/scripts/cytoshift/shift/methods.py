"""Which estimator answers a contrast? `auto` follows the specification and the row names what was chosen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.shift.comparison import Comparison, take
from cytoshift.shift.covariates import design_groups
from cytoshift.shift.detection_rows import detection_frame
from cytoshift.shift.estimates import COLUMNS, add_note
from cytoshift.shift.estimators import Answer, estimate_censored, estimate_exact
from cytoshift.shift.grid import ABOVE, BELOW
from cytoshift.shift.intervals import count_recensored, interval_features
from cytoshift.shift.orders.order_null import order_known
from cytoshift.shift.repeated import MIXED_MODELS
from cytoshift.study.study import ShiftPlan

# The prior of moderation learns only from features whose spread is measured, not substituted.
NON_DETECTS_IN_PRIOR = 0.2
STAND_INS = {"half_limit": "half the limit", "limit_over_sqrt2": "limit/√2", "limit": "the limit"}


@dataclass(frozen=True)
class Choice:
    """What a contrast asks for: the estimator's name and why, in words a reader can check.

    `censored`: features with non-detects are answered by the estimator's censored form; `together`: all features of a
    layer are, because they learn from each other.
    """

    method: str
    reason: str = ""
    censored: bool = False
    together: bool = False


def choose_method(comparison: Comparison, plan: ShiftPlan) -> Choice:
    """The method of a contrast: the one named in the plan, or what `auto` comes to (METHODS §3)."""
    contrast, censored = comparison.contrast, bool(interval_features(comparison, plan).any())
    if contrast.method == "moderated_t":
        return Choice("moderated_t", censored=censored, together=True)
    if contrast.method != "auto":
        # Asking for a textbook test gives the textbook test; these say what is compared, not how.
        return Choice(contrast.method, censored=censored and contrast.method in ("ancova", "change", "crossover"))
    if order_known(comparison):
        return Choice("crossover", censored=censored)
    if comparison.repeated is not None:
        # Its non-detects cannot be intervals in a mixed model: features that have some are taken from their pairs.
        return Choice("mmrm", censored=censored)
    if comparison.kind == "arms_at":
        linear = contrast.adjust or comparison.dose is not None
        return Choice("linear_model" if linear else "welch_t", censored=censored)
    if comparison.kind == "arms_change":
        if comparison.randomised:
            return Choice("ancova", censored=censored)
        reason = "arms were not randomised and the plan does not name ancova: difference of changes"
        return Choice("change", reason, censored=censored)
    reason = "" if comparison.control is None else "within the subject, not adjusted for period"
    return Choice("paired_t" if censored else "moderated_t", reason, censored=censored)


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
    """Estimates of every feature of a comparison, in its order: COLUMNS, method, p_method, ci_method and effect_size.

    Moderation learns within one layer (and design). Features tested on detection carry no estimate. `effect_size` is
    filled where the estimator has one of its own.
    """
    choice = choose_method(comparison, plan)
    detection = on_detection_only(comparison, plan)
    share = share_with_status(comparison, BELOW, ABOVE)
    rows = [pd.DataFrame({name: pd.Series(dtype=float) for name in COLUMNS})]
    for chosen, censored in _parts(comparison, plan, choice, ~detection):
        part = take(comparison, features=chosen)
        learn = np.nan_to_num(share[chosen], nan=1.0) <= NON_DETECTS_IN_PRIOR
        estimate = estimate_censored if censored else estimate_exact
        rows.append(_frame(estimate(part, choice.method, plan, learn), chosen))
    if detection.any():
        rows.append(detection_frame(take(comparison, features=detection), plan, detection))
    frame = pd.concat([row for row in rows if len(row)] or rows).sort_index()
    frame["effect_size"] = frame.get("effect_size", np.nan)
    note = frame["note"].to_numpy(dtype=object)
    if choice.reason:
        note = add_note(note, np.ones(len(frame), dtype=bool), choice.reason)
    frame["note"] = _limit_notes(note, comparison, plan, choice, (share > 0) & ~detection)
    return frame


def _parts(
    comparison: Comparison, plan: ShiftPlan, choice: Choice, wanted: np.ndarray
) -> Iterator[tuple[np.ndarray, bool]]:
    """Masks of features that are estimated together, and whether as intervals: one design, one layer, one form."""
    layers = comparison.features["layer"]
    intervals = interval_features(comparison, plan) if choice.censored else np.zeros(len(layers), dtype=bool)
    for group in design_groups(comparison):
        for layer in layers[group].unique():
            chosen = group & (layers == layer).to_numpy() & wanted
            forms = [chosen & ~intervals, chosen & intervals]
            if choice.together and forms[1].any():
                forms = [np.zeros_like(chosen), chosen]
            yield from ((form, bool(place)) for place, form in enumerate(forms) if form.any())


def _limit_notes(
    note: np.ndarray, comparison: Comparison, plan: ShiftPlan, choice: Choice, non_detects: np.ndarray
) -> np.ndarray:
    """What was done with the non-detects of a row, where that is not plain from its method."""
    policy = plan.limits.policy
    again = count_recensored(comparison) if choice.censored else comparison.recensored
    where = ""
    if policy == "drop":
        note = add_note(note, non_detects, "non-detects dropped by the plan's policy: biased upwards")
    elif policy != "censored":
        note = add_note(note, non_detects, f"{STAND_INS[policy]} stands in for non-detects, as the plan asks")
    elif choice.censored:
        if comparison.kind != "paired":  # relabelling arms needs no common limit
            return note
        where = " in the exact test"
    else:
        note = add_note(note, non_detects, f"limit/√2 stands in for non-detects: {choice.method} takes no intervals")
    if not choice.censored and choice.method in (*MIXED_MODELS, "crossover_model"):
        # A mixed model takes every sample as it was written; only what is flipped or relabelled knows of pairs.
        if policy == "censored" and comparison.kind != "paired":
            return note
        where = " in the exact test"
    texts = np.array([_judged(count) + where for count in again], dtype=object)
    return add_note(note, again > 0, texts)


def _judged(count: int) -> str:
    return f"{count} {'value' if count == 1 else 'values'} judged by the larger limit of their pair"


def _frame(answer: Answer, chosen: np.ndarray) -> pd.DataFrame:
    estimates = answer.estimates
    frame = pd.DataFrame({name: getattr(estimates, name) for name in COLUMNS}, index=np.flatnonzero(chosen))
    effect = np.nan if answer.effect_size is None else answer.effect_size
    p_method = estimates.p_method if answer.p_method is None else answer.p_method
    ci_method = estimates.ci_method if answer.ci_method is None else answer.ci_method
    frame = frame.assign(method=estimates.method, p_method=p_method, ci_method=ci_method, effect_size=effect)
    if answer.otherwise is None:
        return frame
    instead = _frame(Answer(answer.otherwise), chosen)
    return frame.where(frame["estimate"].notna(), instead)
