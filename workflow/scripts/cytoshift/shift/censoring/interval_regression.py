"""Do arms differ at one visit, or does an outcome follow a dose, when some values are known only between limits?

The linear model of `arms.arm_effect` for values known exactly, below a limit, above one, or between two. Differences of
differences, each known between limits, are its case without an exposure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from cytoshift.shift.censoring.interval_answer import NUMBERS, ONE_SIDED, Rows, design_rows, put_rows
from cytoshift.shift.censoring.interval_likelihood import checked_bounds
from cytoshift.shift.classical.arms import arm_count_note
from cytoshift.shift.classical.linear import fit_last_column
from cytoshift.shift.classical.linear_inputs import as_covariates
from cytoshift.shift.classical.paired import paired_t
from cytoshift.shift.estimates import Estimates, add_note, check_level, count_note, empty_notes, t_estimates
from cytoshift.shift.exact.rearrangements import FEATURES_PER_BLOCK, spans

BEYOND = {
    ("target", -1): "every target value is below its limit: ",
    ("target", 1): "every target value is above its limit: ",
    ("reference", -1): "every reference value is below its limit: ",
    ("reference", 1): "every reference value is above its limit: ",
}


def interval_effect(
    lower: ArrayLike,
    upper: ArrayLike,
    exposure: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    covariate_names: Sequence[str] = (),
    level: float = 0.95,
    approximate_above: float = 0.4,
    method: str = "censored_linear",
) -> Estimates:
    """Coefficient of an arm or a dose in a linear model of values known between limits, for all features at once.

    y = Xβ + σε, ε normal, by maximum likelihood; a value known between limits enters with its probability. p-value and
    interval come from the likelihood ratio W as t = √(ν(e^{W/n} − 1)) on ν = n − rank(X) degrees of freedom, the
    standard error from the observed information times √(n/ν), `residual_variance` is σ̂²·n/ν. A feature whose values are
    all known gets the least squares of `arm_effect`, which are the same. Where the likelihood rises towards an infinite
    coefficient (an arm wholly below its limit) there is no estimate; the limit that exists is given, and the p-value is
    that of the least upper bound. Non-detects that are certain whatever the coefficient (on a plate wholly below its
    limit) count in no number but n_target, n_reference and n. Not for features with hardly any known value: test
    detection.

    Args:
        lower: (subjects, features) lower limits on the analysis scale: the value itself where it is known, −inf below
            a limit, NaN where it is missing.
        upper: (subjects, features) upper limits, +inf above a limit.
        exposure: (subjects,) 1 in the target arm and 0 in the reference arm, or a number such as a dose in mg; two
            values per arm are needed. Subjects with and without exposure are counted as target and reference.
        covariates: (subjects, columns) numeric, shared by all features, NaN where missing: such a subject is left out.
        covariate_names: names of the columns, for notes. A column that adds nothing to those before it is left out.
        level: confidence level of the intervals.
        approximate_above: share of non-detects beyond which a row is labelled approximate.
        method: name of the method in the answer.

    Raises:
        ValueError: limits are no intervals, shapes do not fit, an exposure is not finite, or the level is not between
            0 and 1.
    """
    check_level(level)
    low, high = checked_bounds(lower, upper)
    given = _checked_exposure(exposure, len(low))
    shared, names = as_covariates(covariates, covariate_names, len(low))
    complete = ~np.isnan(shared).any(axis=1)
    low, high = (np.where(complete[:, None], limit, np.nan) for limit in (low, high))
    shared = np.where(complete[:, None], shared, 0.0)
    present = ~np.isnan(low)
    n_target, n_reference = (present & (given != 0)[:, None]).sum(axis=0), (present & (given == 0)[:, None]).sum(axis=0)
    arms = bool(np.isin(given, (0.0, 1.0)).all())
    what = "the arm" if arms else "the dose"
    counted = (n_target >= 2) & (n_reference >= 2) if arms else np.ones(n_target.shape, dtype=bool)
    parts = np.column_stack([np.ones(len(low)), shared, given])

    def least_squares(values: np.ndarray) -> Estimates:
        fit = fit_last_column(values, given, ~np.isnan(values), shared, None, names, "equal", what)
        n = (~np.isnan(values)).sum(axis=0)
        return t_estimates(
            estimate=fit.estimate, se=fit.se, df=fit.df, n_reference=n, n_target=n, n=n,
            residual_variance=fit.residual_variance, note=fit.note, method=method, level=level,
        )  # fmt: skip

    def censored(low: np.ndarray, high: np.ndarray) -> Rows:
        rows = design_rows(low, high, parts, names, level, what)
        return _name_arms(rows, low, high, given) if arms else rows

    rows = regression_rows(low, high, counted, least_squares, censored, approximate_above)
    if arms:
        rows["note"] = np.where(counted, rows["note"], arm_count_note(n_target, n_reference))
    return Estimates(
        n_reference=n_reference, n_target=n_target, n=n_reference + n_target, **rows,
        method=method, p_method="calibrated_lr", ci_method="profile",
    )  # fmt: skip


def interval_mean(
    lower: ArrayLike, upper: ArrayLike, *, level: float = 0.95, approximate_above: float = 0.4
) -> Estimates:
    """Mean of differences each known between limits, for all features at once: did they move on average?

    `lower` and `upper` (subjects, features) as `difference_bounds` gives them. The model and the conventions of
    `interval_effect` with an intercept alone; features whose differences are all known get the paired t. For two values
    of each subject use `censored_change`, which knows more than their difference.
    Raises ValueError when limits are no intervals, shapes do not fit, or the level is not between 0 and 1.
    """
    check_level(level)
    low, high = checked_bounds(lower, upper)
    n = (~np.isnan(low)).sum(axis=0)
    counted = n >= 2
    rows = regression_rows(
        low,
        high,
        counted,
        lambda values: paired_t(values, level=level),
        lambda low, high: design_rows(low, high, np.ones((len(low), 1)), [], level),
        approximate_above,
    )
    rows["note"] = np.where(counted, rows["note"], count_note(2, "pairs", n))
    return Estimates(
        n_reference=n, n_target=n, n=n, **rows,
        method="censored_difference", p_method="calibrated_lr", ci_method="profile",
    )  # fmt: skip


def difference_bounds(
    reference_lower: ArrayLike, reference_upper: ArrayLike, target_lower: ArrayLike, target_upper: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """Limits of target − reference of values known between limits, by interval arithmetic.

    Limits of any one shape, NaN where missing. A difference that may be anything (both values below their limits) is
    missing. Approximate: the interval forgets that its ends move with the values themselves, so that how a difference
    is censored depends on it. For differences of differences `interval_mean` keeps its level [2–5.2], but an estimate
    other than 0 is too large [by a tenth at 20 % non-detects, a quarter at 40 %]. For two values of a subject use
    `censored_change`.
    Returns lower and upper limits.
    """
    low = np.asarray(target_lower, dtype=float) - np.asarray(reference_upper, dtype=float)
    high = np.asarray(target_upper, dtype=float) - np.asarray(reference_lower, dtype=float)
    missing = np.isnan(low) | np.isnan(high) | ((low == -np.inf) & (high == np.inf))
    return np.where(missing, np.nan, low), np.where(missing, np.nan, high)


def _checked_exposure(exposure: ArrayLike, subjects: int) -> np.ndarray:
    given = np.asarray(exposure, dtype=float)
    if given.shape != (subjects,):
        raise ValueError(f"exposure has the shape {given.shape}; one value per subject is needed: ({subjects},)")
    if not np.isfinite(given).all():
        raise ValueError("exposure must be a number for every subject")
    return given


def regression_rows(
    low: np.ndarray,
    high: np.ndarray,
    counted: np.ndarray,
    least_squares: Callable[[np.ndarray], Estimates],
    censored: Callable[[np.ndarray, np.ndarray], Rows],
    approximate_above: float,
) -> Rows:
    """Features whose values are all known by least squares, the others block by block by maximum likelihood."""
    hidden = low < high
    rows = {name: np.full(len(counted), np.nan) for name in NUMBERS} | {"note": empty_notes(len(counted))}
    exact = counted & ~hidden.any(axis=0)
    if exact.any():
        put_rows(rows, np.flatnonzero(exact), vars(least_squares(low[:, exact])))
    others = np.flatnonzero(counted & ~exact)
    for block in spans(len(others), FEATURES_PER_BLOCK):
        chosen = others[block]
        put_rows(rows, chosen, censored(low[:, chosen], high[:, chosen]))
    share = hidden.sum(axis=0) / np.maximum((~np.isnan(low)).sum(axis=0), 1)
    many = (share > approximate_above) & ~np.isnan(rows["p_value"])
    text = f"more than {100 * approximate_above:.3g} % non-detects: approximate"
    rows["note"] = add_note(rows["note"], many, text)
    return rows


def _name_arms(rows: Rows, low: np.ndarray, high: np.ndarray, arm: np.ndarray) -> Rows:
    """Say which arm is wholly beyond its limit where that is why there is no finite estimate."""
    note = rows["note"]
    for name, members in (("target", arm == 1), ("reference", arm == 0)):
        for limit, side in ((low, -1), (high, 1)):
            for place in np.flatnonzero(~np.isfinite(limit[members]).any(axis=0)):
                for text in ONE_SIDED.values():
                    note[place] = note[place].replace(text, BEYOND[name, side] + text)
    return rows
