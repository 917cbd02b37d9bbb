"""By how much do two arms differ at the target visit, or in their change, when some values are non-detects?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from cytoshift.shift.censoring.arm_pair_answer import NUMBERS, answer_rows
from cytoshift.shift.censoring.arm_pair_design import ArmDesign, arm_design
from cytoshift.shift.censoring.pair_bounds import pair_bounds
from cytoshift.shift.classical.linear import fit_last_column
from cytoshift.shift.estimates import Estimates, add_note, check_level, empty_notes, t_estimates
from cytoshift.shift.exact.rearrangements import spans

Question = Literal["ancova", "change"]
METHODS: dict[Question, str] = {"ancova": "censored_ancova", "change": "censored_difference_of_changes"}
# Keeps the terms of one block of pairs (subjects × analytes) around 20 MB.
BLOCK_PAIRS = 100_000


@dataclass(frozen=True)
class CensoredArms:
    """The difference of two arms for every analyte and what the fit says besides; arrays (analytes,).

    `estimates` are in the units of the analysis scale. `likelihood_ratio` is W against no difference; `log_likelihood`
    the maximum, or its least upper bound where there is none; `sd_reference`, `sd_target` and `correlation` those of
    the two visits within arms. `approximate` flags rows with many non-detects. Everything but `estimates` is NaN or
    False where every value is known, and where there is no fit.
    """

    estimates: Estimates
    likelihood_ratio: np.ndarray
    log_likelihood: np.ndarray
    sd_reference: np.ndarray
    sd_target: np.ndarray
    correlation: np.ndarray
    approximate: np.ndarray


def censored_ancova(
    reference_lower: ArrayLike,
    reference_upper: ArrayLike,
    target_lower: ArrayLike,
    target_upper: ArrayLike,
    exposure: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    covariate_names: Sequence[str] = (),
    level: float = 0.95,
    approximate_above: float = 0.4,
) -> Estimates:
    """Baseline-adjusted difference of randomised arms at the target visit, non-detects as intervals, all analytes.

    Randomised arms share their baseline: the arm does not enter the mean of the reference visit. Without non-detects
    this is ANCOVA. Not for arms that were not randomised, and not for analytes with hardly any known value. Arguments,
    answer and source as in `censored_arms`.
    """
    limits = (reference_lower, reference_upper, target_lower, target_upper)
    return censored_arms(
        *limits, exposure, covariates, question="ancova", covariate_names=covariate_names, level=level,
        approximate_above=approximate_above,
    ).estimates  # fmt: skip


def censored_change_of_arms(
    reference_lower: ArrayLike,
    reference_upper: ArrayLike,
    target_lower: ArrayLike,
    target_upper: ArrayLike,
    exposure: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    covariate_names: Sequence[str] = (),
    level: float = 0.95,
    approximate_above: float = 0.4,
) -> Estimates:
    """Difference of the changes of two arms that may differ from the start, non-detects as intervals, all analytes.

    The arm enters the means of both visits. Without non-detects this is the linear model of the change on arm and
    covariates. Arguments, answer and source as in `censored_arms`.
    """
    limits = (reference_lower, reference_upper, target_lower, target_upper)
    return censored_arms(
        *limits, exposure, covariates, question="change", covariate_names=covariate_names, level=level,
        approximate_above=approximate_above,
    ).estimates  # fmt: skip


def censored_arms(
    reference_lower: ArrayLike,
    reference_upper: ArrayLike,
    target_lower: ArrayLike,
    target_upper: ArrayLike,
    exposure: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    question: Question,
    covariate_names: Sequence[str] = (),
    level: float = 0.95,
    approximate_above: float = 0.4,
) -> CensoredArms:
    """Maximum-likelihood difference of arms over two visits with a calibrated profile interval, all analytes at once.

    The pair (reference, target) of subject i is bivariate normal with free spreads and correlation and with the means
    (Wᵢa + α·xᵢ, Wᵢb + (α + δ)·xᵢ): W intercept and covariates, x the exposure, δ the answer, and α = 0 where the
    question is `ancova`. Intervals enter with their probability. p-value and interval come from t = √(ν(e^{W/n} − 1))
    on ν degrees of freedom, those of the linear model of the target value on baseline, covariates and arm (`ancova`) or
    of the change on covariates and arm (`change`). In n and ν a subject without a known value counts as 1 − r², r the
    fitted correlation [counted in full the size is 4.5–7.7 up to 60 % non-detects, so 3.4–5.8]. Without non-detects the
    likelihood factorises, t is that of the linear model, and the analyte gets it from there.

    Args:
        reference_lower: (subjects, analytes) lower limits at the reference visit on the analysis scale: the value
            itself where it is known, −inf below a limit, NaN where it is missing. A subject without both visits is not
            used.
        reference_upper: (subjects, analytes) upper limits, +inf above a limit.
        target_lower: (subjects, analytes) the same at the target visit.
        target_upper: (subjects, analytes) the same at the target visit.
        exposure: (subjects,) 1 in the target arm and 0 in the reference arm, or a dose in mg; the estimate is per unit.
        covariates: (subjects, q) numeric columns shared by all analytes; a subject with NaN is not used.
        question: `ancova` or `change`.
        covariate_names: names of the covariates for the notes.
        level: confidence level of the intervals.
        approximate_above: share of non-detects beyond which a row is flagged as approximate.

    Raises:
        ValueError: shapes do not fit, an exposure is negative, or the level is not between 0 and 1.
    """
    check_level(level)
    bounds = pair_bounds(reference_lower, reference_upper, target_lower, target_upper)
    design = arm_design(bounds, exposure, covariates, covariate_names)
    subjects, analytes = bounds.present.shape
    rows = {name: np.full(analytes, np.nan) for name in NUMBERS} | {"note": empty_notes(analytes)}
    share = np.nan_to_num(design.bounds.non_detect_share)
    for block in spans(analytes, max(1, BLOCK_PAIRS // max(subjects, 1))):
        part = design.take(block)
        for chosen, answer in ((share[block] == 0, _known_rows), (share[block] > 0, answer_rows)):
            if chosen.any():
                found = answer(part.take(chosen), question == "ancova", level)
                for name, values in found.items():
                    rows[name][np.arange(block.start, block.start + len(chosen))[chosen]] = values
    approximate = (share > approximate_above) & ~np.isnan(rows["p_value"])
    many = f"more than {100 * approximate_above:.3g} % non-detects: approximate"
    rows["note"] = add_note(rows["note"], approximate, many)
    reference, target = design.counts
    estimates = Estimates(
        n_reference=reference, n_target=target, n=reference + target,
        **{name: rows[name] for name in Estimates.__dataclass_fields__ if name in rows},
        method=METHODS[question], p_method="calibrated_lr", ci_method="profile",
    )  # fmt: skip
    others = {name: rows[name] for name in CensoredArms.__dataclass_fields__ if name in rows}
    return CensoredArms(estimates=estimates, approximate=approximate, **others)


def _known_rows(design: ArmDesign, arms_alike_before: bool, level: float) -> dict[str, np.ndarray]:
    """Analytes without non-detects: least squares of the target value given the baseline, or of the change."""
    before, after = design.bounds.reference_lower, design.bounds.target_lower
    own, names = (before, ["baseline", *design.names]) if arms_alike_before else (None, design.names)
    outcome = after if arms_alike_before else after - before
    present = design.bounds.present & design.counted
    fit = fit_last_column(outcome, design.exposure, present, design.shared, own, names, "equal")
    reference, target = design.counts
    answer = t_estimates(
        estimate=np.where(design.counted, fit.estimate, np.nan),
        se=fit.se,
        df=fit.df,
        n_reference=reference,
        n_target=target,
        n=reference + target,
        residual_variance=fit.residual_variance,
        note=np.where(design.counted, fit.note, design.count_note()),
        method="",
        level=level,
    )
    return {name: values for name, values in vars(answer).items() if name in (*NUMBERS, "note")}
