"""How far is each subject from what a model without the arm expects of them, non-detects included?

The score of a subject is the slope of its log-likelihood in an added shift of its mean, at the fit that does not know
the arms. Relabelling the arms therefore moves no score, and the relabelling test is exact for any mix of values and
intervals. For a value it is (y − ŷ)/σ², for an interval the expectation of that within it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cytoshift.shift.censoring.interval_likelihood import IntervalData, checked_bounds, fit_intervals, interval_data
from cytoshift.shift.classical.linear import orthonormal
from cytoshift.shift.exact.null_model import null_scores
from cytoshift.shift.exact.rearrangements import FEATURES_PER_BLOCK, spans

# Scores (in standard deviations) that are all smaller than this are what the search left over of 0.
NO_SCORE = 1e-6


def interval_scores(lower: ArrayLike, upper: ArrayLike, covariates: ArrayLike | None = None) -> np.ndarray:
    """Each subject's score for an arm effect in the model without arm, for `relabelling_orbit` and what builds on it.

    Without non-detects they are the residuals of `null_scores` divided by their mean square, and the test is the same.

    Args:
        lower: (subjects, features) lower limits on the analysis scale: the value itself where it is known, −inf below
            a limit, NaN where it is missing.
        upper: (subjects, features) upper limits, +inf above a limit.
        covariates: (subjects, columns) numeric columns shared by all features, or (features, subjects, columns) where
            they differ by feature (its own baseline). An intercept is added; what repeats other columns adds nothing.

    Returns:
        (subjects, features) scores in units of 1/value, NaN where the value or a covariate is missing. All 0 where no
        value says more than another: every value is below its limit, or all are equal.

    Raises:
        ValueError: limits are no intervals, or shapes do not fit.
    """
    low, high = checked_bounds(lower, upper)
    subjects, features = low.shape
    columns = np.empty((subjects, 0)) if covariates is None else np.asarray(covariates, dtype=float)
    if columns.ndim == 2:
        columns = np.broadcast_to(columns, (features, *columns.shape))
    if columns.ndim != 3 or columns.shape[:2] != (features, subjects):
        raise ValueError(f"covariates {columns.shape} do not fit limits of {subjects} subjects × {features} features")
    scores = np.empty(low.shape)
    for block in spans(features, FEATURES_PER_BLOCK):
        scores[:, block] = _scores(low[:, block], high[:, block], columns[block])
    return scores


def _slopes(data: IntervalData) -> np.ndarray:
    """(subjects, features) slopes at the fit, 0 where they are rounding."""
    fit = fit_intervals(data)
    slope = np.where(np.abs(fit.slope).max(axis=1, keepdims=True, initial=0.0) > NO_SCORE, fit.slope, 0.0)
    return (slope * (fit.tau / data.scale)[:, None]).T


def _scores(lower: np.ndarray, upper: np.ndarray, columns: np.ndarray) -> np.ndarray:
    present = ~np.isnan(lower) & ~np.isnan(columns).any(axis=2).T
    lower, upper = (np.where(present, limit, np.nan) for limit in (lower, upper))
    exact = ~(lower < upper).any(axis=0)
    scores = np.full(lower.shape, np.nan)
    if exact.any():
        residual = null_scores(lower[:, exact], columns[exact])
        rows = np.ascontiguousarray(np.nan_to_num(residual).T)
        variance = (rows**2).sum(axis=1) / np.maximum(present[:, exact].sum(axis=0), 1)
        scores[:, exact] = residual / np.where(variance > 0, variance, 1.0)
    if not exact.all():
        hidden = ~exact
        design = np.concatenate([np.ones((*columns.shape[:2], 1)), columns], axis=2)[hidden]
        basis, _ = orthonormal(np.where(present.T[hidden][:, :, None], design, 0.0))
        scores[:, hidden] = _slopes(interval_data(lower[:, hidden], upper[:, hidden], basis))
    return np.where(present, scores, np.nan)
