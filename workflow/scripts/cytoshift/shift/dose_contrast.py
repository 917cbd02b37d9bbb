"""The trend over the arms' doses as a contrast of the plan: which slope answers it, with numbers and with intervals?

Randomised arms share their baseline, so the follow-up is explained by baseline and dose; arms that were not randomised
get what the plan names; at one visit the values themselves are explained.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from cytoshift.shift.censoring.censored_arms import censored_ancova, censored_change_of_arms
from cytoshift.shift.censoring.interval_regression import interval_effect
from cytoshift.shift.censoring.pair_bounds import limits_of_side
from cytoshift.shift.classical.dose_trend import count_doses, dose_trend
from cytoshift.shift.comparison import Comparison
from cytoshift.shift.covariates import covariates_of
from cytoshift.shift.estimates import Estimates, add_note
from cytoshift.study.study import ShiftPlan

# Fields of an answer that say nothing where too few subjects make the trend.
NUMBERS = ("estimate", "se", "df", "ci_low", "ci_high", "statistic", "p_value", "residual_variance")


def exact_dose_trend(part: Comparison, method: str, plan: ShiftPlan) -> Estimates:
    """Shift per mg by least squares, stand-ins for non-detects included; `method` is ancova, change or linear_model."""
    adjusted = covariates_of(part, plan)
    given = method == "ancova" and part.reference is not None
    estimates = dose_trend(
        part.target.tested if given or part.reference is None else part.change,
        part.exposure,
        adjusted.columns,
        baseline=part.reference.tested if given and part.reference is not None else None,
        covariate_names=adjusted.names,
        level=1 - plan.alpha,
    )
    return _named(estimates, part, method, adjusted.words)


def censored_dose_trend(part: Comparison, method: str, plan: ShiftPlan) -> Estimates:
    """Shift per mg with non-detects as intervals; `method` as in `exact_dose_trend`."""
    adjusted, level = covariates_of(part, plan), 1 - plan.alpha
    before, after = part.written
    target, columns, names = limits_of_side(after), adjusted.columns, adjusted.names
    # A slope does not depend on where the doses start; counts below and above do.
    above = part.exposure - part.exposure.min(initial=np.inf)
    if before is None:
        estimates = interval_effect(*target, above, columns, covariate_names=names, level=level)
        present = ~np.isnan(target[0])
    else:
        censored = censored_ancova if method == "ancova" else censored_change_of_arms
        reference = limits_of_side(before)
        estimates = censored(*reference, *target, above, columns, covariate_names=names, level=level)
        present = ~np.isnan(reference[0]) & ~np.isnan(target[0])
    found = count_doses(present & ~np.isnan(columns).any(axis=1)[:, None], part.exposure)
    changed: dict[str, Any] = {name: np.where(found.counted, getattr(estimates, name), np.nan) for name in NUMBERS}
    changed |= {"n_reference": found.lowest, "n_target": found.n - found.lowest, "n": found.n}
    note = add_note(np.where(found.counted, estimates.note, found.note), found.n > 0, found.doses)
    if len(np.unique(part.exposure)) > 2:
        note = add_note(note, found.counted, "departure from a straight line not tested with non-detects")
    return _named(replace(estimates, note=note, **changed), part, method, adjusted.words, "censored_")


def _named(estimates: Estimates, part: Comparison, method: str, words: str, form: str = "") -> Estimates:
    """The answer under the name of what was explained, with the covariates in words."""
    what = "" if part.reference is None else "_given_baseline" if method == "ancova" else "_of_changes"
    note = add_note(estimates.note, np.full(estimates.n.shape, bool(words)), words)
    return replace(estimates, method=f"{form}dose_trend{what}", note=note)
