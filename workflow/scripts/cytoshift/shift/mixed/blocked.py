"""How alike are samples of one subject over all features, and what are the effects given that one correlation?

A middle way between features on their own (a mixed model each) and samples taken as independent: with many features
their common correlation is known well, and effects given it have one residual variance each that can be moderated.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from cytoshift.shift.estimates import ROUNDING, Estimates, add_note, as_panel, check_level, empty_notes, t_estimates
from cytoshift.shift.mixed.block_split import (
    Patterns,
    block_correlation,
    less_projection,
    patterns_of,
    row_space,
    variance_split,
)
from cytoshift.shift.mixed.mixed_answer import usable_values
from cytoshift.shift.mixed.mixed_basis import take_pattern
from cytoshift.shift.mixed.mixed_design import CellContrast, RepeatedDesign
from cytoshift.shift.mixed.own_pairs import side_counts

# limma's: features' correlations are kept this far from where the model ends, and this share of them is trimmed off.
LARGEST_CORRELATION, FROM_SMALLEST, TRIMMED = 0.99, 0.01, 0.15
# limma's: the search of each feature stops when the deviance can fall by no more than this, or after so many steps.
STILL_TO_FALL, STEPS = 1e-6, 20
# A contrast with more than this share outside what the samples determine has no estimate.
OUTSIDE = 1e-7
# Features fitted together times samples: bounded memory.
BATCH_ELEMENTS = 200_000
NO_CORRELATION = "no feature has a correlation within blocks"


@dataclass(frozen=True)
class ConsensusCorrelation:
    """The correlation within blocks that all features share.

    `value` is the consensus, NaN where no feature has one; `own` (features,) each feature's, NaN where it has none;
    `features` counts those it was learned from. A non-empty `reason` says why `value` is 0 or NaN.
    """

    value: float
    own: np.ndarray
    features: int
    reason: str


def consensus_correlation(
    outcome: ArrayLike,
    columns: ArrayLike,
    block: ArrayLike,
    *,
    use: ArrayLike | None = None,
    still_to_fall: float = STILL_TO_FALL,
    steps: int = STEPS,
) -> ConsensusCorrelation:
    """The consensus correlation of samples of one block: limma's duplicateCorrelation (Smyth et al. 2005,
    doi:10.1093/bioinformatics/bti270).

    Per feature ρ = σ_b²/(σ_b² + σ²) by REML in y = Xβ + block + error, where σ_b² may be negative; over features the
    mean of atanh ρ without its outer 15 % on both sides.

    `outcome` (samples, features), NaN where missing; `columns` (samples, q) of the design, `block` (samples,) labels.
    `use` (features,) is true where a feature may enter the consensus. The search stops as statmod's does, when the
    deviance can fall by no more than `still_to_fall`, or after `steps`; a smaller value comes closer to REML's best.
    Raises ValueError when shapes do not fit.
    """
    values = as_panel(outcome, "outcome")
    design, labels = np.asarray(columns, dtype=float), np.asarray(block)
    if design.ndim != 2 or len(design) != len(values) or labels.shape != (len(values),):
        raise ValueError(f"columns {design.shape} and block {labels.shape} do not fit outcomes of {values.shape}")
    known = ~np.isnan(design).any(axis=1)
    values, design = np.where(known[:, None], values, np.nan), np.where(known[:, None], design, 0.0)
    member = _members(labels)
    mask = np.ones(values.shape[1], dtype=bool) if use is None else np.asarray(use, dtype=bool)
    own = np.full(values.shape[1], np.nan)
    sizes = member[known].sum(axis=0)
    if sizes.max(initial=0) <= 1:
        return ConsensusCorrelation(0.0, own, 0, "no block has two samples: correlation within blocks taken as 0")
    if _spanned(member[known], design[known]):
        return ConsensusCorrelation(0.0, own, 0, "the design holds the blocks: correlation within blocks taken as 0")
    step = max(1, BATCH_ELEMENTS // (len(values) * max(1, member.shape[1] // 8)))
    for start in range(0, values.shape[1], step):
        batch = slice(start, start + step)
        own[batch] = block_correlation(variance_split(values[:, batch], design, member), still_to_fall, steps)
    smallest = 1 / (1 - sizes.max()) + FROM_SMALLEST
    own = np.clip(own, smallest, LARGEST_CORRELATION)
    learned = own[mask & ~np.isnan(own)]
    if not learned.size:
        return ConsensusCorrelation(np.nan, own, 0, NO_CORRELATION)
    value = float(np.tanh(stats.trim_mean(np.arctanh(learned), TRIMMED)))
    return ConsensusCorrelation(value, own, learned.size, "")


def blocked_effects(
    outcome: ArrayLike,
    design: RepeatedDesign,
    contrasts: Sequence[CellContrast],
    correlation: float,
    *,
    level: float = 0.95,
) -> list[Estimates]:
    """Contrasts of visits × arms by generalised least squares with one correlation within subjects for all features.

    limma's lmFit(block =, correlation =): y = Xβ + e, e equally correlated within a subject; each feature from the
    samples it has, one residual variance per feature on (values − coefficients) degrees of freedom, to be squeezed by
    `moderate`. `outcome` (samples, features), NaN where missing; `correlation` from `consensus_correlation` on
    `design.columns` and `design.subject`; NaN gives no estimates.
    Contrasts are exact where values are missing (limma's contrasts.fit is not; its coefficients are).
    Raises ValueError when shapes do not fit, or no subjects could have that correlation. Not for a few features: their
    consensus is taken as known, and every error of it enters all of them.
    """
    check_level(level)
    values = usable_values(outcome, design)
    columns = np.where(np.isnan(design.columns), 0.0, design.columns)
    member = _members(design.subject)
    largest = int(member.sum(axis=0).max(initial=1.0))
    if correlation >= 1 or 1 + (largest - 1) * correlation <= 0:
        raise ValueError(f"{largest} samples of one subject cannot have the correlation {correlation} with each other")
    step = max(1, BATCH_ELEMENTS // max(1, len(values)))
    known = not np.isnan(correlation)
    pieces = [
        _effects(values[:, start : start + step], columns, member, contrasts, correlation if known else 0.0)
        for start in range(0, max(values.shape[1], 1), step)
    ]
    estimate, unscaled, variance, df = (np.concatenate(part, axis=-1) for part in zip(*pieces, strict=True))
    return [
        _finish(values, design, contrast, estimate[place], unscaled[place], variance, df, known=known, level=level)
        for place, contrast in enumerate(contrasts)
    ]


def _effects(
    values: np.ndarray, columns: np.ndarray, member: np.ndarray, contrasts: Sequence[CellContrast], correlation: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Per contrast and feature the estimate and its SE over the residual SD; per feature the variance and its df."""
    patterns = patterns_of(values)
    present, pattern = patterns.present[:, :, None], patterns.pattern
    left, back, reach = row_space(_whitened(np.where(present, columns, 0.0), patterns, member, correlation))
    vectors = np.stack([contrast.vector for contrast in contrasts])
    outside = np.abs(vectors - vectors @ reach).max(axis=2) > OUTSIDE * np.abs(vectors).max(axis=1)
    weights = left @ (vectors @ back).transpose(0, 2, 1)
    response = np.where(np.isnan(values), 0.0, values).T[:, :, None]
    own = Patterns(np.arange(len(pattern)), patterns.present[pattern])
    response = _whitened(response, own, member, correlation)
    rest = less_projection(take_pattern(left, pattern), response)[:, :, 0]
    df = (patterns.present.sum(axis=1) - (left**2).sum(axis=(1, 2)).round())[pattern]
    variance = (rest**2).sum(axis=1) / np.where(df > 0, df, np.nan)
    none = np.sqrt(variance) <= ROUNDING * np.abs(response[:, :, 0]).max(axis=1, initial=0.0)
    estimate = (take_pattern(weights, pattern).transpose(0, 2, 1) @ response)[:, :, 0]
    lost = outside[pattern]
    unscaled = np.sqrt((weights**2).sum(axis=1))[pattern]
    return (
        np.where(lost, np.nan, estimate).T,
        np.where(lost, np.nan, unscaled).T,
        np.where(none, 0.0, variance),
        np.where(df > 0, df, np.nan),
    )


def _whitened(values: np.ndarray, patterns: Patterns, member: np.ndarray, correlation: float) -> np.ndarray:
    """Values (patterns, samples, k) with a block's samples made independent: its mean and deviations from it rescaled.

    The matrix of equal correlations ρ has the eigenvalues 1 + (n − 1)ρ for the mean of n samples and 1 − ρ elsewhere.
    """
    there = patterns.present[:, :, None]
    size = np.maximum(patterns.present.astype(float) @ member, 1.0)[:, :, None]
    mean = member @ ((member.T @ values) / size)
    of_mean = member @ (1 / np.sqrt(1 + (size - 1) * correlation))
    return np.where(there, (values - mean) / np.sqrt(1 - correlation) + mean * of_mean, 0.0)


def _finish(
    values: np.ndarray,
    design: RepeatedDesign,
    contrast: CellContrast,
    estimate: np.ndarray,
    unscaled: np.ndarray,
    variance: np.ndarray,
    df: np.ndarray,
    *,
    known: bool,
    level: float,
) -> Estimates:
    n_target, n_reference, n = side_counts(values, design, contrast)
    lost = np.isnan(estimate)
    note = add_note(empty_notes(n.size), lost, _why_not(values, design, contrast))
    note = add_note(note, ~lost & np.isnan(df), "no residual degrees of freedom: as many coefficients as values")
    note = add_note(note, ~lost & (variance == 0), "the model leaves no spread: no interval and no p-value")
    if not known:
        estimate, variance = np.full(n.size, np.nan), np.full(n.size, np.nan)
        note = np.full(n.size, f"{NO_CORRELATION}: no estimate", dtype=object)
    return t_estimates(
        estimate=estimate,
        se=unscaled * np.sqrt(variance),
        df=df,
        n_reference=n_reference,
        n_target=n_target,
        n=n,
        residual_variance=np.where(np.isnan(estimate), np.nan, variance),
        note=note,
        method="blocked",
        level=level,
    )


def _why_not(values: np.ndarray, design: RepeatedDesign, contrast: CellContrast) -> np.ndarray:
    """Why a contrast has no estimate: a mean without values, or columns that cannot be told apart."""
    reason = np.full(values.shape[1], "the contrast cannot be told from the covariates: no estimate", dtype=object)
    for visit, arm in np.argwhere(contrast.weights != 0)[::-1]:
        column = design.cell[visit, arm]
        empty = np.isnan(values[design.cell[design.visit, design.arm] == column]).all(axis=0)
        reason[empty] = f"no value at {design.names[column]}: no estimate"
    return reason


def _members(labels: np.ndarray) -> np.ndarray:
    """(samples, blocks) 1 where a sample belongs to a block."""
    levels, code = np.unique(labels, return_inverse=True)
    return (code[:, None] == np.arange(len(levels))).astype(float)


def _spanned(member: np.ndarray, design: np.ndarray) -> bool:
    """Whether the columns of the design already tell every block from the others."""
    others = member[:, 1:]
    return bool(np.abs(others - design @ np.linalg.lstsq(design, others, rcond=None)[0]).max(initial=0.0) < 1e-8)
