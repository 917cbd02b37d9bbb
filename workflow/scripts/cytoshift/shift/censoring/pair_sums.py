"""By how much did several changes of the same subjects move together, non-detects included as intervals?

The mean of two follow-up visits against baseline is the mean of two changes; a difference between two conditions that
itself changes is one difference less another. A mean of which one member is a non-detect lies below a limit that its
other members set, and a model that forgets this is biased. So each change keeps its own pairs, its own censored fit
and its own scores, and what they say of a subject is added up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cytoshift.shift.censoring.censored_change import (
    BY_SCORES,
    FEWEST_PAIRS,
    NO_STANDARD_ERROR,
    NOTHING_KNOWN,
    fits_with_and_without,
    open_ends,
)
from cytoshift.shift.censoring.censored_pairs import (
    DELTA,
    FULL,
    LAMBDA,
    TO_NATURAL,
    ZETA,
    PairFit,
    to_natural,
)
from cytoshift.shift.censoring.pair_bounds import PairBounds
from cytoshift.shift.censoring.pair_data import PairData, pair_data
from cytoshift.shift.censoring.pair_scores import count_pairs, pair_scores, score_t, unknown_pairs
from cytoshift.shift.classical.paired import paired_t
from cytoshift.shift.estimates import Estimates, add_note, check_level, count_note, empty_notes, t_estimates

NO_FIT = "one of the changes that are added up has no finite estimate"
# A curvature this close to singular, in units of its diagonal, gives no standard error.
FLATTEST = 1e-9
METHOD = "censored_pair_sum"
NUMBERS = ("estimate", "se", "df", "ci_low", "ci_high", "coverage", "statistic", "p_value", "residual_variance")


@dataclass(frozen=True)
class PairSum:
    """Σ wₖ·(target − reference) over `parts` k of the same subjects and analytes; the positive `weights` add up to 1.

    Made by `pair_sum`: a subject is missing in all parts of an analyte or in none.
    """

    parts: tuple[PairBounds, ...]
    weights: tuple[float, ...]

    @property
    def present(self) -> np.ndarray:
        """(subjects, analytes) whether a subject has every pair."""
        return self.parts[0].present

    @property
    def pairs(self) -> np.ndarray:
        """(analytes,) number of subjects with every pair."""
        return self.parts[0].pairs

    @property
    def censored(self) -> np.ndarray:
        """(2 × parts, subjects, analytes) whether a value is known as an interval only."""
        return np.concatenate([part.censored for part in self.parts])

    @property
    def change(self) -> np.ndarray:
        """(subjects, analytes) the sum itself; a number only where every value is known."""
        with np.errstate(invalid="ignore"):
            return np.asarray(sum(w * part.change for w, part in self._weighted()), dtype=float)

    def take(self, analytes: np.ndarray) -> PairSum:
        """The same sum for the analytes of a mask or of indices."""
        return PairSum(tuple(part.take(analytes) for part in self.parts), self.weights)

    def swap(self, subjects: np.ndarray) -> PairSum:
        """Both members of all pairs exchanged for these subjects: a mask (subjects,) or (subjects, analytes)."""
        return PairSum(tuple(part.swap(subjects) for part in self.parts), self.weights)

    def of_subjects(self, subjects: np.ndarray) -> PairSum:
        """The same sum without the pairs of the subjects outside a mask (subjects,)."""
        return PairSum(tuple(part.only(subjects) for part in self.parts), self.weights)

    def shift_target(self, by: np.ndarray) -> PairSum:
        """The pairs as they would be without a change of the sum by `by` (analytes,): what is added moves back."""
        return PairSum(tuple(part.shift_target(by) if w > 0 else part for w, part in self._weighted()), self.weights)

    def _weighted(self) -> list[tuple[float, PairBounds]]:
        return list(zip(self.weights, self.parts, strict=True))


def pair_sum(parts: list[PairBounds], weights: list[float]) -> PairSum:
    """The sum of changes of several pairs; a subject without one of them is missing in all.

    Args:
        parts: limits of the pairs of each change, of the same subjects and analytes.
        weights: weight of each change; the positive ones add up to 1.

    Raises:
        ValueError: numbers or shapes do not fit, or the positive weights do not add up to 1.
    """
    if not parts or len(parts) != len(weights) or any(part.present.shape != parts[0].present.shape for part in parts):
        raise ValueError("every change needs pairs of the same subjects and analytes, and a weight")
    if abs(sum(w for w in weights if w > 0) - 1) > 1e-9:
        raise ValueError(f"the positive weights of {weights} do not add up to 1")
    complete = np.all([part.present for part in parts], axis=0)
    return PairSum(tuple(part.only(complete) for part in parts), tuple(weights))


def sum_scores(pairs: PairSum) -> np.ndarray:
    """Each subject's score for a sum other than 0 if in truth nothing changed: Σ wₖ·uᵢₖ/Σᵢuᵢₖ², for `sign_flip_orbit`.

    uₖ are `pair_scores` of change k. Exchanging both members of all pairs of a subject changes the sign of its score
    and leaves every other score as it was, bit by bit: the test is exact for exchangeable members. Without non-detects
    scores are the sums themselves, divided by the number of subjects.

    Returns (subjects, analytes) scores in units of the analysis scale; NaN where there is no pair, 0 where a subject
    says nothing.
    """
    return _added(pairs, [pair_scores(part) for part in pairs.parts])


def _added(pairs: PairSum, single: list[np.ndarray]) -> np.ndarray:
    total = np.zeros(pairs.present.shape)
    for weight, scores in zip(pairs.weights, single, strict=True):
        squares = _squares(scores)
        total += weight * np.divide(scores, squares, out=np.zeros(total.shape), where=squares > 0)
    return np.where(pairs.present, total, np.nan)


def _squares(scores: np.ndarray) -> np.ndarray:
    """(analytes,) sum of squares, the same bits whatever else is in the array."""
    return np.asarray((np.ascontiguousarray(np.nan_to_num(scores).T) ** 2).sum(axis=1))


@dataclass(frozen=True)
class SumChange:
    """`estimates` of the sum, (analytes,) each; `sd` (analytes,) the spread of single visits in the fits, NaN without.

    `by_scores` (analytes,) tells whose p-value is the t of the scores, `beside` (analytes,) that p-value for all.
    """

    estimates: Estimates
    sd: np.ndarray
    by_scores: np.ndarray
    beside: np.ndarray


def sum_change(pairs: PairSum, *, level: float = 0.95, approximate_above: float = 0.4) -> SumChange:
    """Σ wₖδₖ of maximum-likelihood changes δₖ of censored pairs, with a t interval; all analytes at once.

    Each change has the model of `censored_change`. A subject's influence on δₖ is fᵢₖ = [(−H)⁻¹gᵢ]_δ with the gradient
    g of its log-likelihood and the curvature H of all; the standard error of the sum is √(n/(n − 1)·Σᵢ(Σₖwₖfᵢₖ)²), on
    n − 1 degrees of freedom. n counts subjects, those none of whose pairs holds a known value as half. Without
    non-detects this is the paired t of the sums. The influences need no model of how the changes of a subject
    correlate (White 1982, Econometrica 50, 1–25). Where a change has no finite estimate the p-value is the t of
    `sum_scores`. For one change use `censored_change`, which knows its likelihood ratio.

    Args:
        pairs: the pairs of every change.
        level: confidence level of the intervals.
        approximate_above: share of non-detects beyond which a row is labelled approximate.

    Raises:
        ValueError: the level is not between 0 and 1.
    """
    check_level(level)
    n, hidden = pairs.pairs, pairs.censored & pairs.present
    known = ~hidden.any(axis=(0, 1))
    few = ~known & (n < FEWEST_PAIRS)
    single = [pair_scores(part) for part in pairs.parts]
    beside = score_t(_added(pairs, single), np.all([unknown_pairs(part) for part in pairs.parts], axis=0))
    unknown = hidden.all(axis=0)
    rows = {name: np.full(len(n), np.nan) for name in NUMBERS} | {"note": empty_notes(len(n))}
    _put(rows, known, paired_t(pairs.take(known).change, level=level))
    rows["note"] = add_note(rows["note"], few, count_note(FEWEST_PAIRS, "pairs", n))
    sd = np.full(len(n), np.nan)
    fitted = ~known & ~few
    if fitted.any():
        found, sd[fitted] = _fitted(pairs.take(fitted), count_pairs(n, unknown)[fitted], level)
        _put(rows, fitted, found)
    lacking = fitted & np.isnan(rows["p_value"])
    for name in ("statistic", "df", "p_value"):
        rows[name] = np.where(lacking, getattr(beside, name), rows[name])
    by_scores = lacking & ~np.isnan(rows["p_value"])
    silent = np.sum([_squares(scores) == 0 for scores in single], axis=0)
    several = len(pairs.parts)
    texts = [f"scores of {several - count} of {several} changes: the others say nothing" for count in silent.tolist()]
    note = add_note(rows["note"], by_scores, BY_SCORES)
    note = add_note(note, lacking & ~by_scores, "no p-value")
    note = add_note(note, fitted & (silent > 0) & (silent < several), np.array(texts, dtype=object))
    share = hidden.sum(axis=(0, 1)) / np.maximum(len(pairs.censored) * n, 1)
    many = (share > approximate_above) & ~np.isnan(rows["p_value"])
    rows["note"] = add_note(note, many, f"more than {100 * approximate_above:.3g} % non-detects: approximate")
    estimates = Estimates(
        n_reference=n, n_target=n, n=n, **rows, method=METHOD, p_method="influence_t", ci_method="influence_t"
    )
    return SumChange(estimates, sd, by_scores, np.where(fitted, beside.p_value, np.nan))


def _put(rows: dict[str, np.ndarray], where: np.ndarray, found: Estimates) -> None:
    for name, values in rows.items():
        values[where] = getattr(found, name)


def _fitted(pairs: PairSum, n: np.ndarray, level: float) -> tuple[Estimates, np.ndarray]:
    """Analytes with non-detects: estimates, and the SD of single visits; `n` (analytes,) as pairs are counted."""
    estimate, variance = np.zeros(len(n)), np.zeros(len(n))
    influence = np.zeros(pairs.present.shape)
    finite, lost = np.ones(len(n), dtype=bool), np.ones(len(n), dtype=bool)
    for weight, part in zip(pairs.weights, pairs.parts, strict=True):
        opening = open_ends(part)
        lost &= (opening != 0).all(axis=0)
        inner = (opening == 0).all(axis=0)
        finite &= inner
        if inner.any():
            data = pair_data(part.take(inner))
            fit, _, flat, runaway = fits_with_and_without(data)
            # At a correlation of ±1 there is no curvature to take an influence from.
            finite[inner] &= ~(flat | runaway | fit.held[:, ZETA])
            estimate[inner] += weight * fit.parameters[:, DELTA] * data.scale
            variance[inner] += (np.exp(fit.parameters[:, LAMBDA]) * data.scale) ** 2 / len(pairs.parts)
            influence[:, inner] += weight * _influences(data, fit) * data.scale
    squares = _squares(np.where(pairs.present, influence, 0.0))
    enough = finite & (n > 1)
    df = np.where(enough, n - 1, np.nan)
    se = np.sqrt(n / df * squares)
    note = add_note(empty_notes(len(n)), lost, NOTHING_KNOWN)
    note = add_note(note, ~finite & ~lost, NO_FIT)
    note = add_note(note, finite & ~(se > 0), NO_STANDARD_ERROR)
    found = t_estimates(
        estimate=np.where(finite, estimate, np.nan), se=se, df=df, n_reference=n, n_target=n, n=n,
        residual_variance=np.where(se > 0, se**2 * n, np.nan), note=note, method=METHOD, level=level,
    )  # fmt: skip
    return found, np.sqrt(np.where(finite, variance, np.nan))


def _influences(data: PairData, fit: PairFit) -> np.ndarray:
    """(subjects, analytes) what each pair adds to the estimate of δ, in standard units; NaN where the fit is flat."""
    gradients = np.einsum("psa,pq->asq", data.gradients_of_pairs(to_natural(fit.parameters)), TO_NATURAL)
    free = np.isin(np.arange(TO_NATURAL.shape[1]), FULL) & ~fit.held
    both = free[:, :, None] & free[:, None, :]
    curvature = np.where(both, -fit.hessian, 0.0) + np.eye(free.shape[1]) * ~free[:, :, None]
    size = np.sqrt(np.maximum(np.abs(np.einsum("aii->ai", curvature)), 1e-300))
    values, vectors = np.linalg.eigh(curvature / size[:, :, None] / size[:, None, :])
    definite = values.min(axis=1, initial=np.inf) > FLATTEST
    row = (vectors[:, DELTA, None, :] / np.where(definite[:, None], values, 1.0)[:, None, :]) @ vectors.transpose(
        0, 2, 1
    )
    row = np.where(definite[:, None], row[:, 0] * free / size / size[:, DELTA, None], np.nan)
    return np.einsum("asq,aq->sa", gradients, row)
