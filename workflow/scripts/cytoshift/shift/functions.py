"""The questions of a plan, asked of a table of one's own: a tidy frame in, a tidy frame out, all features at once.

Each function is a contrast of the study file under the same name and with the same words, and gives the same numbers
as the workflow would. The table has a row per subject × visit [× arm] × feature. Its columns:

    subject, visit, feature, value  always; value as in `measure`, a non-detect as "<3.2", a gap as a blank or "ND"
    upper, lower                    limit of a value that is blank or a word: it lies below `upper` or above `lower`
    arm, dose_mg                    the arm (in a crossover the condition) and its dose, the same in all its rows
    sequence, period, study_day     crossover: the order given; the period, 1, 2 … in the order taken, or the day
    measure, unit, layer            of a feature, one each; layer: cytokine, cell, index, outcome
    plate, specimen, cohort         of a sample
    any other                       a covariate

Visits, arms, covariates and the features of endpoints are spelled as in the table; a number or a date is spelled as one
writes it (0 for 0.0, 2026-03-01). Rows in messages are counted from 1.

Options of every function: alpha (0.05), policy ("censored"; others put a number in the place of non-detects),
detection_only_above (0.8), moderation ({"trend": True, "robust": True}), seed, visits (their order), strata (covariates
within which was randomised), decimal ("," where the texts of the table have decimal commas).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cytoshift.shift.call_plan import Entry, in_words_of_call, plan_of_call
from cytoshift.shift.study import decide_endpoints, estimate_shifts
from cytoshift.shift.tidy import tidy_tables
from cytoshift.study.problem import Problem, Problems

When = str | Mapping[str, Sequence[str]]

LEFT_OUT = ["study", "source", "as_written", "roles"]
EVERYTHING = [{"id": "all", "tier": "exploratory", "features": ["all"]}]


def paired(
    data: pd.DataFrame,
    *,
    reference: When,
    target: When,
    arm: str | None = None,
    method: str = "auto",
    measure: str = "concentration",
    **options: Any,
) -> pd.DataFrame:
    """Did the features change between two visits of the same subjects?

    Args:
        data: columns subject, visit, feature, value; upper and lower for limits; arm where there are several.
        reference: the visit to compare with, or {"mean": [visits]}.
        target: the visit of interest, or {"mean": [visits]}.
        arm: whose change, where the table has several arms.
        method: `auto` (censored pairs where there are non-detects, else the moderated or paired t), or one by name:
            paired_t, moderated_t, signed_rank, mmrm, random_intercept, detection.
        measure: what the values are: concentration, log_concentration (NPX), count_per_ul, fraction_of_parent, score.
        **options: alpha, policy, detection_only_above, moderation, seed, visits, decimal; see the module.

    Returns:
        A row per feature: estimate, se, df, ci_low, ci_high on `scale`, ratio with its limits, p_value, effect_size,
        smallest_p (what the exact test could have given), method, note … (the columns of shifts.tsv).

    Raises:
        Problems: a line for each thing that cannot be done: unknown visits, missing columns, cells that are no numbers.
        TypeError: where `data` is no DataFrame, or an option does not exist.
    """
    contrast = {"id": "paired", "reference": reference, "target": target, "arm": arm, "method": method}
    return _estimate(data, contrast, measure, "single_arm" if arm is None else "parallel", None, options)


def parallel(
    data: pd.DataFrame,
    *,
    arm: str | None = None,
    against: str | None = None,
    randomised: bool,
    trend: str | None = None,
    target: When | None = None,
    reference: When | None = None,
    at: When | None = None,
    adjust: str | Sequence[str] = (),
    method: str = "auto",
    measure: str = "concentration",
    **options: Any,
) -> pd.DataFrame:
    """Do arms of different subjects differ: in what happened between two visits, or at one visit?

    Args:
        data: columns subject, visit, arm, feature, value; upper and lower for limits; dose_mg for `trend`; the
            covariates of `adjust` and `strata`.
        arm: the arm of interest.
        against: the arm to compare with.
        randomised: whether the arms were randomised; decides model, words and permutations.
        trend: "dose_mg" instead of `arm` and `against`: the estimate is per mg, from all arms with a dose (placebo 0).
        target: the visit of interest; with `reference`, randomised arms are compared at it given the baseline.
        reference: the visit before.
        at: instead of both: the one visit at which the arms are compared.
        adjust: covariates of the model; `plate` is one.
        method: `auto`, ancova, change, moderated_t, welch_t, student_t, rank_sum, mmrm, random_intercept, detection.
            Between arms that were not randomised, `ancova` or `change` is named. With `trend`: auto, ancova, change.
        measure: as in `paired`.
        **options: as in `paired`, and strata.

    Returns:
        A row per feature, as `paired`.

    Raises:
        Problems: as `paired`.
    """
    named = {"reference": reference, "target": target, "at": at, "arm": arm, "against": against, "trend": trend}
    if trend is None:
        what = "is missing: parallel() compares `arm` with `against`; without it see paired(), and `trend` for doses"
        absent = [name for name in ("arm", "against") if named[name] is None]
        if absent:
            raise Problems(Problem("call", name, what) for name in absent)
    contrast = {"id": "parallel", **named, "adjust": adjust, "method": method}
    return _estimate(data, contrast, measure, "parallel", randomised, options)


def crossover(
    data: pd.DataFrame,
    *,
    arm: str,
    against: str,
    randomised: bool,
    target: When | None = None,
    reference: When | None = None,
    at: When | None = None,
    method: str = "auto",
    measure: str = "concentration",
    **options: Any,
) -> pd.DataFrame:
    """Do two conditions that the same subjects passed one after the other differ?

    Args:
        data: columns subject, visit, arm (the condition), feature, value; upper and lower for limits; and where the
            order of conditions was randomised, period: 1, 2 … in the order taken (`crossover_model` needs it, and also
            reads sequence).
        arm: the condition of interest.
        against: the condition to compare with.
        randomised: whether the order of conditions was randomised; otherwise the answer is descriptive.
        target: the visit of interest within each condition; with `reference`, changes are compared.
        reference: the visit before, within each condition.
        at: instead of both: the one visit at which the conditions are compared.
        method: `auto` (adjusted for period where the order was randomised and the column period tells it, with
            non-detects as intervals; else the moderated or paired t), or one by name: crossover, crossover_model (mixed
            model of all conditions in the table), paired_t, moderated_t, signed_rank, detection.
        measure: as in `paired`.
        **options: as in `paired`, and strata.

    Returns:
        A row per feature, as `paired`. smallest_p is that of redistributing the order among subjects.

    Raises:
        Problems: as `paired`.
    """
    named = {"reference": reference, "target": target, "at": at, "arm": arm, "against": against}
    return _estimate(data, {"id": "crossover", **named, "method": method}, measure, "crossover", randomised, options)


def longitudinal(
    data: pd.DataFrame,
    *,
    reference: When,
    target: When,
    arm: str | None = None,
    against: str | None = None,
    randomised: bool | None = None,
    adjust: str | Sequence[str] = (),
    method: str = "mmrm",
    measure: str = "concentration",
    **options: Any,
) -> pd.DataFrame:
    """Did the features change when every visit is used, those of subjects who missed one included?

    A mixed model of all visits in the table: unstructured covariance with Kenward–Roger (`mmrm`), or a level per
    subject with Satterthwaite (`random_intercept`, which claims too much where visits lie far apart).

    Args:
        data: columns subject, visit, feature, value; upper and lower for limits; arm and covariates where they matter.
        reference: the visit to compare with, or {"mean": [visits]}.
        target: the visit of interest, or {"mean": [visits]}.
        arm: the arm of interest, where there are several.
        against: the arm whose change is taken off.
        randomised: whether those arms were randomised: they then share their baseline.
        adjust: covariates of the model; `plate` is one.
        method: mmrm or random_intercept.
        measure: as in `paired`.
        **options: as in `paired`; `visits` gives their order (else that of their first rows).

    Returns:
        A row per feature, as `paired`.

    Raises:
        Problems: as `paired`.
    """
    named = {"reference": reference, "target": target, "arm": arm, "against": against}
    contrast = {"id": "longitudinal", **named, "adjust": adjust, "method": method}
    return _estimate(data, contrast, measure, _design(arm, against), randomised, options)


def detection(
    data: pd.DataFrame,
    *,
    target: When | None = None,
    reference: When | None = None,
    at: When | None = None,
    arm: str | None = None,
    against: str | None = None,
    randomised: bool | None = None,
    measure: str = "concentration",
    **options: Any,
) -> pd.DataFrame:
    """Was a feature found more often above its limit: exact McNemar within subjects, Fisher between arms.

    Args:
        data: columns subject, visit, feature, value (upper, lower, arm, dose_mg …) as in `paired` or `parallel`.
        target: the visit of interest.
        reference: the visit before, within the same subjects.
        at: instead of both: the one visit at which arms are compared.
        arm: the arm of interest, where there are several.
        against: the arm to compare with.
        randomised: whether those arms were randomised.
        measure: as in `paired`.
        **options: as in `paired`.

    Returns:
        A row per feature with the odds ratio of detection as effect_size.

    Raises:
        Problems: as `paired`.
    """
    named = {"reference": reference, "target": target, "at": at, "arm": arm, "against": against}
    contrast = {"id": "detection", **named, "method": "detection"}
    return _estimate(data, contrast, measure, _design(arm, against), randomised, options)


def families(
    data: pd.DataFrame,
    *,
    contrasts: Sequence[Entry],
    endpoints: Sequence[Entry],
    design: str = "single_arm",
    randomised: bool | None = None,
    measure: str = "concentration",
    **options: Any,
) -> pd.DataFrame:
    """What may be claimed? Planned endpoints tested jointly and exactly, and decided through the gate of the plan.

    Args:
        data: columns subject, visit, feature, value (upper, lower, arm, dose_mg …) as in `paired` or `parallel`.
        contrasts: as in the study file, such as [{"id": "shift", "reference": "before", "target": "after"}].
        endpoints: as in the study file, such as [{"id": "inflammation", "tier": "primary", "contrasts": ["shift"],
            "features": ["IL-6", "TNF"], "direction": "decrease", "test": "global"}]; features as spelled in the table.
        design: single_arm, parallel or crossover.
        randomised: needed unless single_arm.
        measure: as in `paired`.
        **options: as in `paired`, and strata.

    Returns:
        A row per endpoint × contrast × feature: statistic, p_value (of the exact test), p_adjusted, q_value, decision,
        and for the endpoint as a whole p_family, smallest_p, decision_family and decided_by in words.

    Raises:
        Problems: as `paired`, and where an endpoint names a feature or a contrast that is not there.
    """
    if design != "single_arm" and randomised is None:
        what = "is missing: were the arms (or the order of conditions) randomised? legal: True, False"
        raise Problems([Problem("call", "randomised", what)])
    with in_words_of_call():
        tables = tidy_tables(data, measure, options.get("decimal", "."))
        plan = plan_of_call(tables, contrasts, endpoints, design, randomised, options)
        shifts = estimate_shifts(tables.panel, tables.samples, plan).shifts
        decided = decide_endpoints(tables.panel, tables.samples, shifts, plan)
    columns = ["contrast", "endpoint", "p_value", "smallest_p", "decision", "decided_by"]
    whole = decided.families[columns].rename(columns={"p_value": "p_family", "decision": "decision_family"})
    merged = decided.decisions.merge(whole, on=["contrast", "endpoint"], how="left")
    return merged.drop(columns=["study", "family"])


def _design(arm: str | None, against: str | None) -> str:
    return "single_arm" if arm is None and against is None else "parallel"


def _estimate(
    data: pd.DataFrame, contrast: Entry, measure: str, design: str, randomised: bool | None, options: Entry
) -> pd.DataFrame:
    with in_words_of_call(str(contrast["id"])):
        tables = tidy_tables(data, measure, options.get("decimal", "."))
        plan = plan_of_call(tables, [contrast], EVERYTHING, design, randomised, options)
        shifts = estimate_shifts(tables.panel, tables.samples, plan).shifts
    return shifts.drop(columns=LEFT_OUT).drop(columns="contrast")
