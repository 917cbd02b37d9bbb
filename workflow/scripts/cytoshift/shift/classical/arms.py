"""Do two arms differ: at one visit, in their change, or at follow-up given the baseline?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from cytoshift.shift.classical.linear import Spread, fit_last_column
from cytoshift.shift.classical.linear_inputs import as_baseline, as_covariates
from cytoshift.shift.estimates import (
    ROUNDING,
    Estimates,
    add_note,
    as_panel,
    count_note,
    empty_notes,
    largest_size,
    masked_mean_and_squares,
    t_estimates,
)


def student_t(target: ArrayLike, reference: ArrayLike, *, level: float = 0.95) -> Estimates:
    """Difference of two arms' means with one common variance (Student's t), for all features at once.

    `target` (subjects, features) and `reference` (other subjects, the same features), NaN where missing. Two values
    per arm are needed. Raises ValueError when shapes do not fit. Not for arms of unequal size and unequal spread,
    where its type-I error can exceed 20 % at a nominal 5: use `welch_t` there.
    """
    outcome, arm = _stacked(target, reference)
    return arm_effect(outcome, arm, level=level, method="student_t")


def welch_t(target: ArrayLike, reference: ArrayLike, *, level: float = 0.95) -> Estimates:
    """Difference of two arms' means, each with its own variance, for all features at once.

    `target` (subjects, features) and `reference` (other subjects, the same features), NaN where missing.
    se² = s₁²/n₁ + s₀²/n₀ with Satterthwaite's df (Welch 1947). Two values per arm are needed. Raises ValueError when
    shapes do not fit.
    """
    outcome, arm = _stacked(target, reference)
    n_target, mean_target, squares_target = masked_mean_and_squares(outcome[arm == 1])
    n_reference, mean_reference, squares_reference = masked_mean_and_squares(outcome[arm == 0])
    enough = (n_target >= 2) & (n_reference >= 2)
    df_target, df_reference = np.where(enough, (n_target - 1.0, n_reference - 1.0), np.nan)
    part_target = squares_target / df_target / np.maximum(n_target, 1)
    part_reference = squares_reference / df_reference / np.maximum(n_reference, 1)
    equal = enough & (np.sqrt(part_target + part_reference) <= ROUNDING * largest_size(outcome))
    variance = np.where(equal, 0.0, part_target + part_reference)
    df = np.divide(
        variance**2,
        part_target**2 / df_target + part_reference**2 / df_reference,
        out=np.full(variance.shape, np.nan),
        where=variance > 0,
    )
    note = arm_count_note(n_target, n_reference)
    return t_estimates(
        estimate=np.where(enough, mean_target - mean_reference, np.nan),
        se=np.sqrt(variance),
        df=df,
        n_reference=n_reference,
        n_target=n_target,
        n=n_reference + n_target,
        residual_variance=np.full(variance.shape, np.nan),
        note=add_note(note, equal, "all values of each arm are equal: no interval and no p-value"),
        method="welch_t",
        level=level,
    )


def ancova(
    outcome: ArrayLike,
    arm: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    baseline: ArrayLike,
    covariate_names: Sequence[str] = (),
    spread: Spread = "equal",
    level: float = 0.95,
) -> Estimates:
    """Difference of arms at follow-up among subjects with the same baseline (ANCOVA), for all features at once.

    `outcome` and `baseline` have shape (subjects, features) on the analysis scale, each feature adjusted for its own
    baseline; the rest as in `arm_effect`. The answer for randomised arms; between arms that were not randomised it
    rests on the assumption that arms with equal baselines would have stayed equal (Lord 1967).
    """
    return arm_effect(
        outcome,
        arm,
        covariates,
        baseline=baseline,
        covariate_names=covariate_names,
        spread=spread,
        level=level,
        method="ancova",
    )


def arm_effect(
    outcome: ArrayLike,
    arm: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    baseline: ArrayLike | None = None,
    covariate_names: Sequence[str] = (),
    spread: Spread = "equal",
    level: float = 0.95,
    method: str = "adjusted_difference",
) -> Estimates:
    """Coefficient of the arm in a linear model of the outcome, fitted by least squares to all features at once.

    One engine for several questions: follow-up given baseline (ANCOVA), change given covariates, arms at one visit
    given plates.

    `outcome` and `baseline` (subjects, features), NaN where missing; `arm` (subjects,), 1 = target, 0 = reference;
    `covariates` (subjects, q), shared by all features, categories coded as 0/1 columns by the caller, named by
    `covariate_names`. A subject with any value missing is left out of that feature. `spread="hc3"` takes the standard
    error HC3 (MacKinnon & White 1985), which holds when the arms' spreads differ; the df stay the residual ones.

    A covariate that adds nothing to the columns before it is left out of that feature and named in `note`, as R's
    lm does; an arm that cannot be told from the covariates gives no estimate and a note that names them.
    Raises ValueError when shapes do not fit, or when arm holds anything but 0 and 1.
    """
    values = as_panel(outcome, "outcome")
    arms = _checked_arm(arm, values.shape[0])
    shared, names = as_covariates(covariates, covariate_names, values.shape[0])
    own = as_baseline(baseline, values.shape)
    present = ~np.isnan(values) & ~np.isnan(shared).any(axis=1)[:, None]
    if own is not None:
        present &= ~np.isnan(own)
        names = ["baseline", *names]
    n_target = (present & (arms == 1)[:, None]).sum(axis=0)
    n_reference = (present & (arms == 0)[:, None]).sum(axis=0)
    counted = (n_target >= 2) & (n_reference >= 2)
    fit = fit_last_column(values, arms, present & counted, shared, own, names, spread)
    return t_estimates(
        estimate=np.where(counted, fit.estimate, np.nan),
        se=fit.se,
        df=fit.df,
        n_reference=n_reference,
        n_target=n_target,
        n=n_reference + n_target,
        residual_variance=fit.residual_variance,
        note=np.where(counted, fit.note, arm_count_note(n_target, n_reference)),
        method=method if spread == "equal" else f"{method}_hc3",
        level=level,
        p_method="t" if spread == "equal" else "hc3_t",
    )


def _stacked(target: ArrayLike, reference: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    first, second = as_panel(target, "target"), as_panel(reference, "reference")
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"target has {first.shape[1]} features, reference {second.shape[1]}")
    return np.vstack([first, second]), np.repeat([1.0, 0.0], [len(first), len(second)])


def arm_count_note(n_target: np.ndarray, n_reference: np.ndarray) -> np.ndarray:
    """Which arm has too few values for a comparison, which needs two of each; "" where none has.

    `n_target` and `n_reference` (features,) count the values of each arm. Returns notes (features,).
    """
    note = empty_notes(n_target.size)
    for count, side in ((n_target, "target"), (n_reference, "reference")):
        note = add_note(note, count < 2, count_note(2, f"values in the {side} arm", count))
    return note


def _checked_arm(arm: ArrayLike, subjects: int) -> np.ndarray:
    arms = np.asarray(arm, dtype=float)
    if arms.shape != (subjects,):
        raise ValueError(f"arm has the shape {arms.shape}; one value per subject is needed: ({subjects},)")
    if not np.isin(arms, (0.0, 1.0)).all():
        raise ValueError("arm must be 1 (target) or 0 (reference) for every subject")
    return arms
