"""How much does each subject's pair speak for a difference, judged by a model that does not know the arms?

The score of a subject is the slope of its log-likelihood at the fit without arm. Since nothing here reads the arm,
scores stay put while labels are exchanged, and relabelling them is an exact test of randomised arms, whatever mix of
values and intervals the pairs are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cytoshift.shift.censoring.arm_pair_design import ArmDesign, arm_design
from cytoshift.shift.censoring.arm_pair_fit import fit_arm_pairs, fixed_parameters, starting_values
from cytoshift.shift.censoring.arm_pair_likelihood import CURVATURE
from cytoshift.shift.censoring.censored_change import open_ends
from cytoshift.shift.censoring.pair_bounds import PairBounds, pair_bounds
from cytoshift.shift.censoring.pair_likelihood import M1, M2
from cytoshift.shift.censoring.pair_scores import ROUNDED_SCORE
from cytoshift.shift.exact.null_model import null_scores
from cytoshift.shift.exact.rearrangements import spans

BLOCK_PAIRS = 100_000


def arm_pair_scores(
    reference_lower: ArrayLike,
    reference_upper: ArrayLike,
    target_lower: ArrayLike,
    target_upper: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    change: bool = False,
) -> np.ndarray:
    """Scores of the arm effect at each analyte's fit without arm, for `relabelling_orbit` and what builds on it.

    The default is the slope by the mean of the target visit: the score of the baseline-adjusted difference. Without
    non-detects it is proportional to the residual of the target value on baseline and covariates. With `change` it is
    the efficient score of the difference of changes, u₂ − w(u₁ + u₂), u the slopes by the two means and
    w = (I₁₂ + I₂₂)/(I₁₁ + 2I₁₂ + I₂₂) from their curvature: what is left of u₂ beside a difference that was there from
    the start. Without non-detects it is proportional to the residual of the change on covariates.

    Args:
        reference_lower: (subjects, analytes) lower limits at the reference visit on the analysis scale: the value
            itself where it is known, −inf below a limit, NaN where it is missing.
        reference_upper: (subjects, analytes) upper limits, +inf above a limit.
        target_lower: (subjects, analytes) the same at the target visit.
        target_upper: (subjects, analytes) the same at the target visit.
        covariates: (subjects, q) numeric columns shared by all analytes; an intercept is added.
        change: the score of the difference of changes.

    Returns:
        (subjects, analytes) scores in units of 1/value; NaN where there is no pair or a covariate is unknown, 0 where a
        pair says nothing.

    Raises:
        ValueError: shapes do not fit.
    """
    bounds = pair_bounds(reference_lower, reference_upper, target_lower, target_upper)
    subjects, analytes = bounds.present.shape
    design = arm_design(bounds, np.zeros(subjects), covariates, ())
    known = np.nan_to_num(design.bounds.non_detect_share) == 0
    scores = np.full((subjects, analytes), np.nan)
    scores[:, known] = _known_scores(design.bounds.take(known), design.shared, change)
    for block in spans(analytes, max(1, BLOCK_PAIRS // max(subjects, 1))):
        numbers = np.arange(block.start, block.stop)[~known[block]]
        if len(numbers):
            part = design.take(numbers)
            found = _slopes(part, change)
            scores[:, numbers] = np.where(part.bounds.present, found, np.nan)
    return scores


def _known_scores(bounds: PairBounds, shared: np.ndarray, change: bool) -> np.ndarray:
    """Residuals of least squares over their mean square: the slopes where every value is known."""
    before, after = bounds.reference_lower, bounds.target_lower
    if change:
        residuals = null_scores(after - before, shared)
    else:
        columns = np.broadcast_to(shared, (before.shape[1], *shared.shape))
        residuals = null_scores(after, np.concatenate([columns, before.T[:, :, None]], axis=2))
    rows = np.ascontiguousarray(np.nan_to_num(residuals).T)
    squares = (rows**2).sum(axis=1) / np.maximum(bounds.pairs, 1)
    return residuals / np.where(squares > 0, squares, 1.0)


def _slopes(design: ArmDesign, change: bool) -> np.ndarray:
    """(subjects, analytes) scores of analytes with non-detects."""
    data, opening = design.data(), open_ends(design.bounds)
    fixed = fixed_parameters(data, opening != 0, arms_alike_before=True)
    # A parameter may end at the edge of its range: the fit stays blind to the arms, the test exact.
    fit = fit_arm_pairs(data, starting_values(data, fixed, opening), fixed)
    terms = data.pair_terms(fit.parameters)
    scores, both = terms[1 + M2], terms[1 + M1] + terms[1 + M2]
    largest = np.maximum(np.abs(scores), np.abs(both)).max(axis=1, keepdims=True, initial=0.0)
    if change:
        own = (terms[CURVATURE[M1, M2]] + terms[CURVATURE[M2, M2]]).sum(axis=1, keepdims=True)
        other = (terms[CURVATURE[M1, M1]] + terms[CURVATURE[M1, M2]]).sum(axis=1, keepdims=True)
        together = own + other
        weight = np.divide(own, together, out=np.zeros_like(own), where=together < 0)
        scores = scores - weight * both
    scores = np.where(np.abs(scores) <= ROUNDED_SCORE * largest, 0.0, scores)
    return scores.T / data.scale
