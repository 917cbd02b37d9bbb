"""What does a contrast say when each subject is reduced to their own difference first?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cytoshift.shift.estimates import (
    ROUNDING,
    Estimates,
    add_note,
    as_panel,
    empty_notes,
    largest_size,
    masked_mean_and_squares,
    t_estimates,
)
from cytoshift.shift.mixed.mixed_design import CellContrast, RepeatedDesign


def own_pairs(outcome: ArrayLike, design: RepeatedDesign, contrast: CellContrast, *, level: float = 0.95) -> Estimates:
    """A contrast of visits estimated from the subjects who have every visit it names, for all features at once.

    `outcome` (samples, features), NaN where missing, samples in the design's order. Each subject gives the weighted sum
    of their values, arms are averaged with one common variance: a paired t within one arm, Student's t between the
    changes of two. Needs nothing of the other visits and no model of covariance; covariates, plates and a common
    baseline are not used. Raises ValueError when shapes do not fit.
    """
    values = samples_of(outcome, design)
    reduced, arms = _reduce(values, design, contrast)
    parts = [masked_mean_and_squares(reduced[arms == arm]) for arm in np.unique(arms)]
    counts = np.stack([count for count, _, _ in parts])
    n = counts.sum(axis=0)
    needed = counts.min(axis=0) >= 1
    df = np.where(needed & (n > len(parts)), n - len(parts), np.nan)
    variance = np.sum([squares for _, _, squares in parts], axis=0) / df
    equal = np.sqrt(variance) <= ROUNDING * largest_size(values)
    variance = np.where(equal, 0.0, variance)
    note = add_note(empty_notes(n.size), ~needed, "an arm has no subject with every visit of the contrast")
    short = needed & (n <= len(parts))
    note = add_note(note, short, f"{len(parts) + 1} subjects with every visit of the contrast needed")
    note = add_note(note, equal, "all differences are equal: no interval and no p-value")
    target, reference, _ = side_counts(values, design, contrast)
    return t_estimates(
        estimate=np.where(needed, np.sum([mean for _, mean, _ in parts], axis=0), np.nan),
        se=np.sqrt(variance * (1 / np.maximum(counts, 1)).sum(axis=0)),
        df=df,
        n_reference=reference,
        n_target=target,
        n=n,
        residual_variance=variance,
        note=note,
        method="own_pairs",
        level=level,
    )


def samples_of(outcome: ArrayLike, design: RepeatedDesign) -> np.ndarray:
    """The outcome as a panel (samples, features). Raises ValueError when it has not the design's samples."""
    values = as_panel(outcome, "outcome")
    if len(values) != len(design.subject):
        raise ValueError(f"outcome has {len(values)} samples, the design {len(design.subject)}")
    return values


def side_counts(
    values: np.ndarray, design: RepeatedDesign, contrast: CellContrast
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Subjects with a value where the weight is positive, where it is negative, and anywhere; (features,) each."""
    weight = contrast.weights[design.visit, design.arm]
    present = ~np.isnan(values)
    everywhere = np.ones(len(weight), dtype=bool)
    target, reference, both = (
        _by_subject(present, design, chosen).sum(axis=0) for chosen in (weight > 0, weight < 0, everywhere)
    )
    return target, reference, both


def subjects_with(present: np.ndarray, design: RepeatedDesign) -> np.ndarray:
    """How many subjects have a sample where `present` (samples, features) is true; (features,)."""
    return _by_subject(present, design, np.ones(len(present), dtype=bool)).sum(axis=0)


def incomplete_subjects(values: np.ndarray, design: RepeatedDesign, contrast: CellContrast) -> np.ndarray:
    """How many subjects of the contrast's arms have a value, but not one at every visit it names; (features,)."""
    present = ~np.isnan(values)
    group, one_arm = _groups(design)
    lacking = np.zeros((design.subjects, values.shape[1]), dtype=bool)
    for visit, arm in np.argwhere(contrast.weights != 0):
        there = _by_subject(present, design, (design.visit == visit) & (design.arm == arm))
        lacking |= ~there & (group == arm if one_arm else np.ones(design.subjects, dtype=bool))[:, None]
    if not lacking.any():
        return np.zeros(values.shape[1], dtype=int)
    return (lacking & _by_subject(present, design, np.ones(len(present), dtype=bool))).sum(axis=0)


def _by_subject(present: np.ndarray, design: RepeatedDesign, chosen: np.ndarray) -> np.ndarray:
    """Which subjects have a value among the chosen samples; (subjects, features)."""
    seen = np.zeros((design.subjects, present.shape[1]), dtype=bool)
    rows = np.flatnonzero(chosen)
    if rows.size:
        rows = rows[np.argsort(design.subject[rows], kind="stable")]
        starts = np.flatnonzero(np.diff(design.subject[rows], prepend=-1))
        seen[design.subject[rows[starts]]] = np.logical_or.reduceat(present[rows], starts, axis=0)
    return seen


def _groups(design: RepeatedDesign) -> tuple[np.ndarray, bool]:
    """Each subject's arm where every subject has one only (True), else one group of all."""
    passed = np.zeros((design.subjects, len(design.arms)), dtype=bool)
    passed[design.subject, design.arm] = True
    one_arm = bool((passed.sum(axis=1) == 1).all())
    return (passed.argmax(axis=1) if one_arm else np.zeros(design.subjects, dtype=int)), one_arm


def _reduce(values: np.ndarray, design: RepeatedDesign, contrast: CellContrast) -> tuple[np.ndarray, np.ndarray]:
    """Each subject's weighted sum (subjects, features), NaN unless every visit it needs is there, and their group."""
    group, one_arm = _groups(design)
    total = np.zeros((design.subjects, values.shape[1]))
    for visit, arm in np.argwhere(contrast.weights != 0):
        here = (design.visit == visit) & (design.arm == arm)
        present = ~np.isnan(values[here])
        count = np.zeros_like(total)
        summed = np.zeros_like(total)
        np.add.at(count, design.subject[here], present)
        np.add.at(summed, design.subject[here], np.where(present, values[here], 0.0))
        mean = np.divide(summed, count, out=np.full(total.shape, np.nan), where=count > 0)
        concerned = group == arm if one_arm else np.ones(design.subjects, dtype=bool)
        total[concerned] += contrast.weights[visit, arm] * mean[concerned]
    named = (contrast.weights != 0).any(axis=0)
    chosen = named[group] if one_arm else np.ones(design.subjects, dtype=bool)
    return total[chosen], group[chosen]
