"""By how much do two groups differ in a sum of changes, non-detects included: in a change less another, say?

As in `pair_sums`, each change keeps its own pairs, its own censored fit of the groups, and what every subject adds to
its difference; these are added up. In a crossover the groups are the two orders of the conditions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from cytoshift.shift.censoring.arm_pair_answer import UNKNOWN
from cytoshift.shift.censoring.arm_pair_design import ArmDesign, arm_design
from cytoshift.shift.censoring.arm_pair_fit import fit_arm_pairs, fixed_parameters, starting_values
from cytoshift.shift.censoring.arm_pair_likelihood import ArmPairData
from cytoshift.shift.censoring.arm_pair_profile import Sharpness, sharpness
from cytoshift.shift.censoring.censored_change import NO_STANDARD_ERROR, open_ends
from cytoshift.shift.censoring.pair_bounds import PairBounds
from cytoshift.shift.censoring.pair_likelihood import L1, L2, M1, M2, Z
from cytoshift.shift.censoring.pair_scores import count_pairs
from cytoshift.shift.censoring.pair_sums import NO_FIT, PairSum
from cytoshift.shift.classical.linear import fit_last_column
from cytoshift.shift.estimates import Estimates, add_note, check_level, t_estimates
from cytoshift.shift.exact.rearrangements import spans

METHOD = "censored_difference_of_sums"
# Keeps the terms of one block of pairs (subjects × analytes) around 20 MB.
BLOCK_PAIRS = 100_000


def arm_sum_change(
    pairs: PairSum,
    exposure: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    group_names: Sequence[str] = (),
    level: float = 0.95,
    approximate_above: float = 0.4,
) -> Estimates:
    """Difference between two groups of a sum of changes Σ wₖ·(target − reference), non-detects as intervals.

    δₖ is the difference of change k in the model of `censored_change_of_arms`, fᵢₖ = [(−H)⁻¹gᵢ]_δ what subject i adds
    to it. The answer is Σ wₖδₖ. With aᵢ the weight of subject i in the linear model, rᵢ = Σₖwₖfᵢₖ/aᵢ stands for its
    residual: the standard error is √(Σaᵢ²·Σrᵢ²/ν), pooled over the two sides as in the linear model, on ν = n − rank
    degrees of freedom. n counts subjects, those of whom no value is known as half. Without non-detects the analyte gets
    the linear model of the sums. Not pooled (White's form) it would reject a true null hypothesis in 9 to 17 % where
    the sides are as unequal as 3 and 9, or 2 and 10. For one change use `censored_change_of_arms`.

    Args:
        pairs: the pairs of every change.
        exposure: (subjects,) 1 on the target side and 0 on the reference side.
        groups: (subjects, q) indicators of groups that have mean changes of their own; one group has none.
        group_names: their names for the notes.
        level: confidence level of the intervals.
        approximate_above: share of non-detects beyond which a row is labelled approximate.

    Raises:
        ValueError: shapes do not fit, or the level is not between 0 and 1.
    """
    check_level(level)
    subjects, analytes = pairs.present.shape
    designs = [arm_design(part, exposure, groups, group_names) for part in pairs.parts]
    hidden = pairs.censored & pairs.present
    known = ~hidden.any(axis=(0, 1))
    n = count_pairs(designs[0].bounds.pairs, hidden.all(axis=0))
    df, note = designs[0].residual_df(np.zeros(analytes, dtype=bool))
    df = np.where(known, df, df - (designs[0].bounds.pairs - n))
    estimate, se = np.full(analytes, np.nan), np.full(analytes, np.nan)
    variance = np.full(analytes, np.nan)
    if known.any():
        fit = _of_known(designs[0].take(known), pairs.take(known).change)
        estimate[known], se[known], variance[known], note[known] = fit
    others = np.flatnonzero(~known & (df > 0))
    for block in spans(len(others), max(1, BLOCK_PAIRS // max(subjects, 1))):
        chosen = others[block]
        found = _fitted([design.take(chosen) for design in designs], pairs.weights, df[chosen])
        estimate[chosen] = found[0]
        se[chosen] = found[1]
        note[chosen] = add_note(note[chosen], found[2] != "", found[2])
    variance = np.where(known, variance, se**2 * n)
    share = hidden.sum(axis=(0, 1)) / np.maximum(len(pairs.censored) * pairs.pairs, 1)
    many = (share > approximate_above) & ~np.isnan(se)
    note = add_note(note, many, f"more than {100 * approximate_above:.3g} % non-detects: approximate")
    reference, target = designs[0].counts
    return t_estimates(
        estimate=estimate, se=se, df=df, n_reference=reference, n_target=target, n=reference + target,
        residual_variance=variance, note=note, method=METHOD, level=level, p_method="influence_t",
    )  # fmt: skip


def _of_known(design: ArmDesign, change: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    present = design.bounds.present & design.counted
    fit = fit_last_column(change, design.exposure, present, design.shared, None, design.names, "equal")
    note = np.where(design.counted, fit.note, design.count_note())
    return np.where(design.counted, fit.estimate, np.nan), fit.se, fit.residual_variance, note


def _fitted(
    designs: list[ArmDesign], weights: Sequence[float], df: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimate, standard error and note (analytes,) each, of analytes with non-detects."""
    subjects, analytes = designs[0].bounds.present.shape
    estimate, influence = np.zeros(analytes), np.zeros((analytes, subjects))
    finite, lost = np.ones(analytes, dtype=bool), np.zeros(analytes, dtype=bool)
    for weight, design in zip(weights, designs, strict=True):
        inner = (open_ends(design.bounds) == 0).all(axis=0)
        lost |= ~inner
        if inner.any():
            part = design.take(inner)
            shift, added, found = _one_change(part.data(), part.bounds)
            estimate[inner] += weight * shift
            influence[inner] += weight * added
            finite[inner] &= found
    note = add_note(np.full(analytes, "", dtype=object), lost, UNKNOWN)
    note = add_note(note, ~finite & ~lost, NO_FIT)
    finite &= ~lost
    se = _pooled(designs[0], influence, df)
    note = add_note(note, finite & ~(se > 0), NO_STANDARD_ERROR)
    return np.where(finite, estimate, np.nan), np.where(finite & (se > 0), se, np.nan), note


def _pooled(design: ArmDesign, influence: np.ndarray, df: np.ndarray) -> np.ndarray:
    """(analytes,) √(Σaᵢ²·Σrᵢ²/ν), a from the exposure less its mean in each group; the length of a cancels.

    A group that stands on one side only has a = 0: it is left out with its degrees of freedom.
    """
    _, basis, _ = design.columns()
    weight = np.ascontiguousarray(basis[:, :, -1])
    counts = np.abs(weight) > 1e-9
    groups = np.column_stack([1 - design.shared.sum(axis=1), design.shared])
    one_sided = (~counts & design.bounds.present.T) @ groups
    left = df - np.maximum(one_sided - 1, 0).sum(axis=1)
    residual = np.divide(influence, weight, out=np.zeros_like(influence), where=counts)
    return np.sqrt((residual**2).sum(axis=1) / np.where(left > 0, left, np.nan))


def _one_change(data: ArmPairData, bounds: PairBounds) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """δ, the influences (analytes, subjects) on it in units of the values, and where it is finite."""
    fixed = fixed_parameters(data, np.zeros((2, len(data.pairs)), dtype=bool), arms_alike_before=False)
    fit = fit_arm_pairs(data, starting_values(data, fixed, open_ends(bounds)), fixed)
    sharp = sharpness(data, fit)
    unit = data.scale / data.exposure_unit
    finite = fit.settled & ~(sharp.open_low | sharp.open_high) & ~np.isnan(sharp.se)
    influence = _influences(data, data.pair_terms(fit.parameters), sharp) * unit[:, None]
    return fit.parameters[:, data.delta] * unit, np.where(finite[:, None], influence, 0.0), finite


def _influences(data: ArmPairData, terms: np.ndarray, sharp: Sharpness) -> np.ndarray:
    """(analytes, subjects) [(−H)⁻¹gᵢ]_δ in standard units: that row of the inverse is se² times the tangent."""
    columns = data.columns.shape[2]
    before, after = sharp.tangent[:, :columns], sharp.tangent[:, columns : 2 * columns].copy()
    after[:, -1] += sharp.tangent[:, data.alpha]
    along = sum(
        (data.columns @ part[:, :, None])[:, :, 0] * terms[1 + mean]
        for part, mean in ((before, M1), (after, M2))
    )  # fmt: skip
    for place, spread in enumerate((L1, L2, Z), start=data.spreads.start):
        along = along + sharp.tangent[:, place, None] * terms[1 + spread]
    return np.asarray(sharp.se[:, None] ** 2 * along)
