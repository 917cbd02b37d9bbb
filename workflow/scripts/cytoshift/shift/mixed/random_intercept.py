"""Did the means of repeated visits shift, when each subject has a level of their own?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from cytoshift.shift.estimates import ROUNDING, add_note, check_level, empty_notes
from cytoshift.shift.mixed.mixed_answer import (
    MixedFit,
    Piece,
    Tests,
    ask,
    batches,
    filled,
    finish,
    join,
    questions,
    usable_values,
)
from cytoshift.shift.mixed.mixed_basis import Basis, basis_of
from cytoshift.shift.mixed.mixed_design import CellContrast, RepeatedDesign
from cytoshift.shift.mixed.mixed_tests import KenwardRoger, Satterthwaite, SmallSample
from cytoshift.shift.mixed.own_pairs import own_pairs
from cytoshift.shift.mixed.variance_ratio import LARGEST, GroupSums, Profile, best_ratios, group_sums, profile

Likelihood = Literal["reml", "ml"]
DegreesOfFreedom = Literal["satterthwaite", "kenward_roger"]

# Features fitted together: bounded memory, and arrays small enough to stay in a processor's cache.
BATCH_ELEMENTS = 300_000


def random_intercept(
    outcome: ArrayLike,
    design: RepeatedDesign,
    contrasts: Sequence[CellContrast],
    tests: Tests = (),
    *,
    likelihood: Likelihood = "reml",
    df: DegreesOfFreedom = "satterthwaite",
    level: float = 0.95,
    batch: int | None = None,
) -> MixedFit:
    """Contrasts of visits × arms in y = Xβ + subject [+ plate] + error, for all features at once.

    `outcome` (samples, features), NaN where missing; a subject with some of their visits stays in (missing at random).
    `tests` are lists of contrasts tested jointly by F. The variance ratios minimise the restricted deviance
    ("ml": the plain one, whose variances are too small at small n); degrees of freedom after Satterthwaite as in
    lmerTest, or Kenward & Roger as in pbkrtest (REML and subjects alone). `batch` features are fitted together, which
    changes memory and nothing else.
    Where subjects' variance is estimated as 0 the note says so and gives the p-value of each subject's own difference.
    Raises ValueError when shapes do not fit, or Kenward–Roger is asked of another model. Not for visits far apart in a
    long study, where neighbours resemble each other more: there it claims too much (type-I error 9–11 % at a nominal 5
    when the correlation falls as 0.8 to the distance); use `unstructured`.
    """
    values = usable_values(outcome, design)
    check_level(level)
    if df == "kenward_roger" and (likelihood != "reml" or design.grouping.size):
        raise ValueError("Kenward–Roger is built for REML with subjects as the only random effect")
    order = np.argsort(design.subject, kind="stable")
    columns, subject, panel = design.columns[order], design.subject[order], filled(values)[order]
    grouping = design.grouping[order] if design.grouping.size else design.grouping
    width = columns.shape[1] + int(grouping.max(initial=-1)) + 2
    vectors, sizes = questions(contrasts, tests), (len(contrasts), [len(test) for test in tests])
    pieces = []
    for count, chosen in batches(values.shape[1], batch or max(8, BATCH_ELEMENTS // (len(order) + width**2))):
        basis = basis_of(panel[:, chosen], columns)
        sums = group_sums(basis, subject, grouping, restricted=likelihood == "reml")
        pieces.append((count, _fit(basis, sums, design, vectors, sizes, df)))
    method = "random_intercept" if likelihood == "reml" else "random_intercept_ml"
    fit = finish(join(pieces), values, design, contrasts, tests, method=method, p_method=f"{df}_t", level=level)
    return _beside_the_boundary(fit, values, design, contrasts)


def _fit(
    basis: Basis,
    sums: GroupSums,
    design: RepeatedDesign,
    vectors: np.ndarray,
    sizes: tuple[int, Sequence[int]],
    df: DegreesOfFreedom,
) -> Piece:
    note, estimable, fitted = _what_is_possible(basis, sums)
    sums = _harmless(sums, ~fitted)
    ratios, at_rest = best_ratios(sums)
    alike = (np.expm1(LARGEST - 1) < ratios).any(axis=0)
    note = add_note(note, fitted & alike, "values within a subject do not differ beyond the model: no interval")
    lost = fitted & ~alike & ~at_rest
    note = add_note(note, lost, "the search for the variance ratio did not come to rest: no estimate")
    here = profile(sums, ratios)
    variance = here.square / sums.df
    if df == "satterthwaite":
        small: SmallSample = _satterthwaite(sums, here, ratios, variance)
    else:
        small = _kenward_roger(sums, basis, ratios[0], variance)
    added = here.coefficient[sums.grouped :].T
    deviations = np.stack([ratios[0], ratios[-1] if sums.grouped else np.zeros_like(variance), np.ones_like(variance)])
    components = np.sqrt(deviations * variance).T * basis.size[:, None]
    return ask(
        basis, design, vectors, sizes, small, np.where(fitted[:, None], added, 0.0), note=note,
        estimable=estimable & ~lost, fitted=fitted & ~alike & ~lost,
        components=np.where(fitted[:, None], components, np.nan),
        boundary=fitted & (ratios == 0).any(axis=0), grouped=sums.grouped,
    )  # fmt: skip


def _what_is_possible(basis: Basis, sums: GroupSums) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Notes, which features can have an estimate, and which a standard error too."""
    values, subjects = basis.present.sum(axis=1), sums.counts.sum(axis=0)
    rank = basis.kept.sum(axis=1)[basis.pattern if len(basis.kept) > 1 else np.zeros(values.size, dtype=int)]
    note = empty_notes(values.size)
    few = subjects < 2
    single = ~few & (values == subjects)
    full = ~few & ~single & (values <= rank)
    for place in np.flatnonzero(few):
        note[place] = f"2 subjects needed, {int(subjects[place])} found"
    for place in np.flatnonzero(full):
        note[place] = f"no residual degrees of freedom: {values[place]} values for {rank[place]} coefficients"
    note = add_note(note, single, "no subject has two values: subject and error cannot be told apart")
    possible = ~few & ~single & ~full
    root = np.where(np.abs(basis.residual).max(axis=1, initial=0.0) > 0, basis.size, 0.0)
    exact = possible & (root <= ROUNDING * basis.largest)
    note = add_note(note, exact, "the model leaves no spread: no interval and no p-value")
    two = possible & ~exact & (subjects == 2)
    note = add_note(note, two, "two subjects only: how much subjects differ rests on one difference")
    return note, possible, possible & ~exact


def _harmless(sums: GroupSums, where: np.ndarray) -> GroupSums:
    """The sums with features that cannot be fitted replaced by ones that can; their answers are not used."""
    if not where.any():
        return sums
    within = np.where(where, np.eye(len(sums.within))[:, :, None], sums.within)
    between = np.where(where, 0.0, sums.between)
    return replace(sums, within=within, between=between, df=np.where(where, 1.0, sums.df))


def _satterthwaite(sums: GroupSums, here: Profile, ratios: np.ndarray, variance: np.ndarray) -> Satterthwaite:
    """In the ratios and the logarithm of the residual variance; a ratio of 0 is no parameter (as θ = 0 in lme4)."""
    count, free = len(ratios), (ratios > 0).T
    inverse = np.ascontiguousarray(np.moveaxis(here.inverse, -1, 0))
    scaled = inverse * variance[:, None, None]
    slopes = np.empty((variance.size, count + 1, *inverse.shape[1:]))
    hessian = np.zeros((variance.size, count + 1, count + 1))
    relative = np.where(free, (here.squares / here.square).T, 0.0)
    for i in range(count):
        middle = np.where(free[:, i, None, None], np.moveaxis(here.slopes[i], -1, 0), 0.0)
        slopes[:, i] = -np.matmul(np.matmul(scaled, middle), inverse)
        hessian[:, i, count] = hessian[:, count, i] = -sums.df * relative[:, i]
        for j in range(count):
            both = free[:, i] & free[:, j]
            own = here.hessian[i, j] + sums.df * relative[:, i] * relative[:, j]
            hessian[:, i, j] = np.where(both, own, float(i == j))
    slopes[:, count], hessian[:, count, count] = scaled, sums.df
    return Satterthwaite(scaled, slopes, hessian)


def _kenward_roger(sums: GroupSums, basis: Basis, ratio: np.ndarray, variance: np.ndarray) -> KenwardRoger:
    """V = σ²I + τ²ZZ'; a subject's mean of n values has the weight n/(σ² + nτ²), deviations from it 1/σ²."""
    kept = basis.kept[basis.pattern].astype(float)
    both = kept[:, :, None] * kept[:, None, :]
    scale = variance[:, None, None]
    within = np.moveaxis(sums.within[:-1, :-1], -1, 0) * both
    between = np.moveaxis(sums.between[:, :-1, :-1], -1, 0) * both[:, None]
    level = sums.level
    weight = 1 / (variance[:, None] * (1 + level * ratio[:, None]))

    def mixed(power: int, times: int) -> np.ndarray:
        return np.einsum("fk,fkab->fab", weight**power * level**times, between)

    matrix = within / scale + mixed(1, 1) + (1 - kept)[:, :, None] * np.eye(kept.shape[1])
    first = -np.stack([within / scale**2 + mixed(2, 1), mixed(2, 2)], axis=1)
    cross = mixed(3, 2)
    second = np.stack([within / scale**3 + mixed(3, 1), cross, cross, mixed(3, 3)], axis=1)
    counts = sums.counts.T
    share = (counts * weight**2 * level).sum(axis=1)
    plain = (counts * ((level - 1) / variance[:, None] ** 2 + weight**2)).sum(axis=1)
    traces = np.stack([plain, share, share, (counts * weight**2 * level**2).sum(axis=1)], axis=1)
    covariance = np.linalg.inv(matrix)
    spent = np.einsum("fab,fiba->fi", covariance, second).reshape(-1, 2, 2)
    return KenwardRoger.of(
        covariance, first, spent, traces.reshape(-1, 2, 2),
        lambda weight: np.einsum("fi,fiab->fab", weight.reshape(-1, 4), second),
    )  # fmt: skip


def _beside_the_boundary(
    fit: MixedFit, values: np.ndarray, design: RepeatedDesign, contrasts: Sequence[CellContrast]
) -> MixedFit:
    """Notes where a variance is 0, with what each subject's own difference says."""
    if not fit.boundary.any():
        return fit
    chosen = np.flatnonzero(fit.boundary)
    estimates = []
    for one, contrast in zip(fit.estimates, contrasts, strict=True):
        paired = own_pairs(values[:, chosen], design, contrast)
        texts = np.full(fit.boundary.size, "", dtype=object)
        for place, p_value in zip(chosen, paired.p_value, strict=True):
            which = "subjects" if fit.components[place, 0] == 0 else design.grouping_name
            beside = "not available" if np.isnan(p_value) else f"p = {p_value:.3g}"
            texts[place] = f"variance of {which} estimated as 0; from each subject's own difference {beside}"
        estimates.append(replace(one, note=add_note(one.note, fit.boundary, texts)))
    return replace(fit, estimates=estimates)
