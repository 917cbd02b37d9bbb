"""What does the maximum of a censored linear model say about its last coefficient, and what when there is none?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from cytoshift.shift.censoring.censored_change import NO_STANDARD_ERROR, NO_VARIATION, OPEN_ENDED
from cytoshift.shift.censoring.censored_profile import calibrated_t
from cytoshift.shift.censoring.interval_likelihood import IntervalData, IntervalFit, fit_intervals, interval_data
from cytoshift.shift.censoring.interval_profile import curvature_se, last_coefficient, profile_limit
from cytoshift.shift.classical.linear import alias_notes, orthonormal
from cytoshift.shift.estimates import add_note, empty_notes

NUMBERS = (
    "estimate", "se", "df", "ci_low", "ci_high", "coverage", "statistic", "p_value", "residual_variance",
)  # fmt: skip
EVERY_VALUE = {
    -1: "every value is below its limit: no estimate and no p-value",
    1: "every value is above its limit: no estimate and no p-value",
}
NO_MAXIMUM = "no finite estimate: too few values are known to tell the spread; no interval and no p-value"
ONE_SIDED = {
    -1: "no finite estimate, the difference is known from above only",
    1: "no finite estimate, the difference is known from below only",
}
CERTAIN = "non-detects that are certain in any case count as missing:"
# A slope of a subject's log-likelihood, in standard deviations, this small says that its probability is 1.
NO_SLOPE = 1e-6

Rows = dict[str, np.ndarray]


def design_rows(
    low: np.ndarray, high: np.ndarray, columns: np.ndarray, names: Sequence[str], level: float, what: str = "the arm"
) -> Rows:
    """Estimate, interval and p-value of the coefficient of the last of `columns`, for features with non-detects.

    A non-detect that is certain whatever the coefficient (on a plate wholly below its limit) is no evidence: where an
    answer can be had without such values they count as missing, and neither n nor ν includes them.

    Args:
        low: (subjects, features) checked limits.
        high: (subjects, features) checked limits.
        columns: (subjects, q) columns of the design without missing values.
        names: names of the columns between the first and the last.
        level: confidence level of the intervals.
        what: what notes call the last column.

    Returns:
        `NUMBERS` and the note, (features,) each.
    """
    rows, silent = _rows_of_all(low, high, columns, names, level, what)
    again = np.flatnonzero(silent.any(axis=0))
    if len(again):
        less_low, less_high = (np.where(silent, np.nan, limit)[:, again] for limit in (low, high))
        fewer, _ = _rows_of_all(less_low, less_high, columns, names, level, what)
        texts = np.array([f"{CERTAIN} {count}" for count in silent[:, again].sum(axis=0)], dtype=object)
        fewer["note"] = add_note(texts, fewer["note"] != "", fewer["note"])
        better = ~np.isnan(fewer["p_value"])
        put_rows(rows, again[better], {name: values[better] for name, values in fewer.items()})
    return rows


def _rows_of_all(
    low: np.ndarray, high: np.ndarray, columns: np.ndarray, names: Sequence[str], level: float, what: str
) -> tuple[Rows, np.ndarray]:
    """The rows with every value counted, and which non-detects (subjects, features) are certain."""
    present = ~np.isnan(low)
    design = np.where(present.T[:, :, None], columns, 0.0)
    basis, kept = orthonormal(design)
    count, rank = present.sum(axis=0), kept.sum(axis=1)
    length = np.matmul(basis[:, None, :, -1], design[:, :, -1:])[:, 0, 0]
    note = alias_notes(design, kept, count, names, what)
    down, up = ~np.isfinite(low).any(axis=0), ~np.isfinite(high).any(axis=0)
    estimable = kept[:, -1] & (count > rank)
    for mask, side in ((down, -1), (up, 1)):
        note = add_note(note, mask & estimable, EVERY_VALUE[side])
    estimable &= ~down & ~up
    # Limits alone tell a spread only by how they differ, which is not enough at the sizes of such studies.
    limits_alone = estimable & ~(np.isfinite(low) & np.isfinite(high)).any(axis=0)
    note = add_note(note, limits_alone, NO_MAXIMUM)
    estimable &= ~limits_alone
    rows = {name: np.full(len(count), np.nan) for name in NUMBERS} | {"note": note}
    silent = np.zeros(low.shape, dtype=bool)
    if estimable.any():
        # Without an intercept beside the column of interest, values are measured from 0.
        centred = bool((columns[:, :-1] == 1).all(axis=0).any())
        data = interval_data(low[:, estimable], high[:, estimable], basis[estimable], centred=centred)
        unit = data.scale * np.sqrt(count[estimable]) / length[estimable]
        found, silent[:, estimable] = _fitted_rows(data, unit, (count - rank)[estimable].astype(float), level)
        found["note"] = add_note(note[estimable], found["note"] != "", found["note"])
        put_rows(rows, np.flatnonzero(estimable), found)
    return rows, silent


def _fitted_rows(data: IntervalData, unit: np.ndarray, df: np.ndarray, level: float) -> tuple[Rows, np.ndarray]:
    """Rows of features with a design that can answer, and which non-detects (subjects, features) are certain.

    `unit` turns a coefficient in standard units into its own.
    """
    full, null = fit_intervals(data), fit_intervals(data.without_last())
    count, estimate = data.count, last_coefficient(data, full)
    curvature, flat, spreadless = curvature_se(data, full)
    usable = full.settled & null.settled & ~spreadless
    note = add_note(empty_notes(len(df)), full.runaway, NO_VARIATION)
    note = add_note(note, ~usable & ~full.runaway, NO_MAXIMUM)
    finite = usable & ~flat
    standard_error = curvature * np.sqrt(count / df)
    undefined = finite & ~(standard_error < np.inf)
    ratio = np.maximum(2 * (full.log_likelihood - null.log_likelihood), 0.0)
    size = calibrated_t(np.where(usable, ratio, 0.0), count, df)
    variance = (data.scale / full.tau) ** 2 * count / df
    rows = {
        "estimate": np.where(finite, estimate * unit, np.nan),
        "se": np.where(finite & ~undefined, standard_error * unit, np.nan),
        "df": df,
        "coverage": np.full(len(df), level),
        "statistic": np.sign(estimate) * size,
        "p_value": 2 * stats.t.sf(size, df),
        "residual_variance": np.where(finite, variance, np.nan),
    }
    rows["ci_low"], rows["ci_high"] = _interval(data, full, null, usable, flat, standard_error, df, level)
    rows["ci_low"], rows["ci_high"] = rows["ci_low"] * unit, rows["ci_high"] * unit
    opened = np.isinf(rows["ci_low"]) | np.isinf(rows["ci_high"])
    note = add_note(note, undefined, NO_STANDARD_ERROR)
    for side, text in ONE_SIDED.items():
        note = add_note(note, usable & flat & (np.sign(estimate) == side), text)
    note = add_note(note, finite & opened, OPEN_ENDED)
    certain = data.censored & (np.isinf(data.lower) | np.isinf(data.upper)) & usable[:, None]
    certain &= (np.abs(full.slope) < NO_SLOPE) & (np.abs(null.slope) < NO_SLOPE)
    return {name: np.where(usable, values, np.nan) for name, values in rows.items()} | {"note": note}, certain.T


def _interval(
    data: IntervalData,
    full: IntervalFit,
    null: IntervalFit,
    usable: np.ndarray,
    flat: np.ndarray,
    standard_error: np.ndarray,
    df: np.ndarray,
    level: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Profile limits in standard units; where the estimate is infinite, so is the limit on its side."""
    quantile = stats.t.isf((1 - level) / 2, df)
    estimate = last_coefficient(data, full)
    # Where every value is known, the others' coefficients stay and the spread grows by this much at the limit.
    wider = np.sqrt(1 + quantile**2 / df)
    elsewhere = np.delete(full.parameters, -2, axis=1) / wider[:, None]
    begin = np.where(flat[:, None], null.parameters, elsewhere)
    limits = []
    for side in (-1, 1):
        limit = np.full(len(df), side * np.inf)
        sought = usable & ~(flat & (np.sign(estimate) == side))
        part = data.take(sought)
        start = np.where(flat, 0.0, estimate + side * quantile * standard_error)[sought]
        limit[sought] = profile_limit(
            part, full.log_likelihood[sought], df[sought], quantile[sought],
            np.where(flat, np.nan, estimate)[sought], start, begin[sought], side,
        )  # fmt: skip
        limits.append(limit)
    return limits[0], limits[1]


def put_rows(rows: Rows, where: np.ndarray, found: Rows) -> None:
    """Write the rows `found` into the places `where` (indices) of all rows."""
    for name, target in rows.items():
        target[where] = found[name]
