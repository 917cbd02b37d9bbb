"""Did a treatment move the values of subjects who took every condition, beyond what the mere order of periods does?

Only the subjects' own differences enter. Where each condition was taken early by some and late by others, the effect of
time is taken off; where all took them in the same order it cannot be, and the row says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from cytoshift.shift.classical.paired import paired_t
from cytoshift.shift.estimates import ROUNDING, Estimates, add_note, as_panel, check_level, t_estimates
from cytoshift.shift.mixed.mixed_answer import batches, filled
from cytoshift.shift.mixed.mixed_basis import basis_of, coordinates, take_pattern

# Features fitted together (features × subjects × columns): bounded memory.
BATCH_ELEMENTS = 2_000_000
UNADJUSTED = "effect and period cannot be told apart: {why}; not adjusted for period (paired t)"


@dataclass(frozen=True)
class PeriodOrder:
    """In which period each subject took the two conditions compared; (subjects,) codes that grow with time, or NaN.

    A subject whose two periods are not known, or are one and the same, has no order.
    """

    of_arm: np.ndarray
    of_control: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """(subjects,) whether the subject has an order."""
        return ~np.isnan(self.of_arm) & ~np.isnan(self.of_control) & (self.of_arm != self.of_control)

    @property
    def arm_later(self) -> np.ndarray:
        """(subjects,) whether the arm came after the control; False without an order."""
        return self.known & (self.of_arm > self.of_control)

    @property
    def pairs(self) -> list[tuple[float, float]]:
        """The pairs of periods (earlier, later) that occur, in their order."""
        early, late = np.minimum(self.of_arm, self.of_control), np.maximum(self.of_arm, self.of_control)
        return sorted({(float(early[row]), float(late[row])) for row in np.flatnonzero(self.known)})

    @property
    def pair(self) -> np.ndarray:
        """(subjects,) place of the subject's two periods in `pairs`; −1 without an order."""
        early, late = np.minimum(self.of_arm, self.of_control), np.maximum(self.of_arm, self.of_control)
        places = np.full(len(early), -1)
        for place, (first, second) in enumerate(self.pairs):
            places[self.known & (early == first) & (late == second)] = place
        return places

    def later_less_earlier(self, scores: np.ndarray) -> np.ndarray:
        """Scores (subjects, features) that change sign when arm and control are exchanged, as later − earlier period.

        NaN without an order. Fits differences arm − control and their censored scores (`pair_scores`) alike.
        """
        turned = np.where(self.arm_later[:, None], scores, -scores)
        return np.where(self.known[:, None], turned, np.nan)


def period_order(period_arm: ArrayLike, period_control: ArrayLike, subjects: int) -> PeriodOrder:
    """The order of two conditions from period numbers (subjects,), NaN where not known.

    Raises ValueError when lengths differ or a period is infinite.
    """
    order = PeriodOrder(np.asarray(period_arm, dtype=float), np.asarray(period_control, dtype=float))
    for name, codes in (("period_arm", order.of_arm), ("period_control", order.of_control)):
        if codes.shape != (subjects,):
            raise ValueError(f"{name} has the shape {codes.shape}; one period per subject is needed: ({subjects},)")
        if np.isinf(codes).any():
            raise ValueError(f"{name} holds infinite periods; a period that is not known is NaN")
    return order


def crossover_effect(
    of_arm: ArrayLike,
    of_control: ArrayLike,
    period_arm: ArrayLike,
    period_control: ArrayLike,
    *,
    level: float = 0.95,
) -> Estimates:
    """The effect of a condition against another in the same subjects, adjusted for period, for all features at once.

    `of_arm` and `of_control` (subjects, features) are each subject's value under the two conditions, or change within
    them; NaN where missing. `period_arm` and `period_control` (subjects,) number the periods in which they were taken,
    NaN where not known. The model is d_i = τ + π(period of arm) − π(period of control) + error for the differences d,
    by least squares: the within-subject analysis with period and treatment as fixed effects. With two periods τ is half
    the difference, between the two sequences, of the mean of period 2 − period 1, on n − 2 df (Jones & Kenward 2014,
    Design and Analysis of Cross-Over Trials, ch. 2). It assumes no carry-over.

    Where the orders taken do not tell effect and period apart, the estimate is the paired t's of all pairs and the note
    says so. Raises ValueError when shapes do not fit, values are infinite or the level is not in (0, 1).
    """
    check_level(level)
    arm, control = as_panel(of_arm, "of_arm"), as_panel(of_control, "of_control")
    if arm.shape != control.shape:
        raise ValueError(f"of_arm has the shape {arm.shape}, of_control {control.shape}: they must be the same")
    order, change = period_order(period_arm, period_control, len(arm)), arm - control
    plain = paired_t(change, level=level)
    everywhere = np.ones(plain.n.shape, dtype=bool)
    if not order.known.any():
        why = UNADJUSTED.format(why="no subject has two known periods")
        return replace(plain, note=add_note(plain.note, everywhere, why))
    adjusted = np.where(order.known[:, None], change, np.nan)
    fit = fit_orders(filled(adjusted), order)[:, : change.shape[1]]
    n = (~np.isnan(adjusted)).sum(axis=0)
    estimable, rank, estimate, unscaled, squares, largest = fit
    enough = (estimable == 1) & (n > rank)
    df = np.where(enough, n - rank, np.nan)
    variance = squares / df
    equal = enough & (np.sqrt(variance) <= ROUNDING * largest)
    variance = np.where(equal, 0.0, variance)
    note = add_note(np.full(n.shape, "", dtype=object), equal, "the model leaves no spread: no interval and no p-value")
    short = (estimable == 1) & (n <= rank)
    note = add_note(note, short, _few_texts(n, rank))
    lost = int((~order.known).sum())
    some = (plain.n > n) & enough
    note = add_note(note, some, f"{lost} subject{'s' * (lost > 1)} without two known periods left out")
    found = t_estimates(
        estimate=np.where(enough, estimate, np.nan), se=np.sqrt(variance * unscaled), df=df,
        n_reference=n, n_target=n, n=n, residual_variance=variance, note=note, method="crossover", level=level,
    )  # fmt: skip
    apart = fit_orders(np.zeros((len(change), 1)), order)[0, 0] == 1
    return _with_paired(found, plain, (estimable == 0), why_together(adjusted, order), named=apart)


def fit_orders(change: np.ndarray, order: PeriodOrder) -> np.ndarray:
    """(6, features): whether τ is estimable, rank, τ, its variance / σ², residual squares and the largest value."""
    columns = period_columns(order)
    names = [*(f"period {place}" for place in range(columns.shape[1] - 1)), "effect"]
    ask = np.eye(columns.shape[1])[-1:]
    parts = []
    for count, chosen in batches(change.shape[1], max(8, BATCH_ELEMENTS // columns.size)):
        # A subject without an order has columns of 0, and no value.
        basis = basis_of(change[:, chosen], columns)
        found, reasons = coordinates(basis, ask, names, 0)
        own = take_pattern(found, basis.pattern)
        own = np.broadcast_to(own, (len(basis.pattern), *own.shape[1:]))
        estimable = np.broadcast_to(take_pattern(reasons, basis.pattern)[:, 0] == "", basis.size.shape)
        rank = np.broadcast_to(take_pattern(basis.kept, basis.pattern).sum(axis=1), basis.size.shape)
        value = np.matmul(own, basis.coefficient[:, :, None])[:, 0, 0]
        residual = np.ascontiguousarray(basis.residual)
        squares = (residual**2).sum(axis=1) * basis.size**2
        part = np.stack([estimable, rank, value, (own[:, 0] ** 2).sum(axis=1), squares, basis.largest])
        parts.append(part[:, :count])
    return np.concatenate(parts, axis=1)


def period_columns(order: PeriodOrder) -> np.ndarray:
    """(subjects, periods): what each period adds to arm − control (the first period's is implied), then the effect."""
    known = order.known
    periods = np.unique(np.concatenate([order.of_arm[known], order.of_control[known]]))[1:]
    steps = (order.of_arm[:, None] == periods).astype(float) - (order.of_control[:, None] == periods)
    return np.column_stack([steps, np.ones(len(known))]) * known[:, None]


def _few_texts(n: np.ndarray, rank: np.ndarray) -> np.ndarray:
    texts = [
        f"no residual degrees of freedom: {pairs} pairs for {int(columns)} coefficients"
        for pairs, columns in zip(n.tolist(), rank.tolist(), strict=True)
    ]
    return np.array(texts, dtype=object)


def why_together(change: np.ndarray, order: PeriodOrder) -> np.ndarray:
    """Per feature, what about the orders of the subjects with a value keeps effect and period together."""
    present = ~np.isnan(change)
    late = (present & order.arm_later[:, None]).sum(axis=0)
    pairs = present.sum(axis=0)

    def words() -> Iterator[str]:
        for later, all_pairs in zip(late.tolist(), pairs.tolist(), strict=True):
            if all_pairs == 0:
                yield "no pair has two known periods"
            elif later in (0, all_pairs):
                yield "all pairs have the same order"
            else:
                yield "the orders taken do not separate them"

    return np.array([UNADJUSTED.format(why=text) for text in words()], dtype=object)


def _with_paired(
    adjusted: Estimates, plain: Estimates, where: np.ndarray, why: np.ndarray, *, named: bool
) -> Estimates:
    """The paired t's answer where the mask is true; its name too where the study's orders never tell them apart."""
    arrays = {
        name: np.where(where, getattr(plain, name), getattr(adjusted, name))
        for name in Estimates.__dataclass_fields__
        if name not in ("method", "p_method", "ci_method", "note")
    }
    note = np.where(where, plain.note, adjusted.note)
    note = add_note(note, where & (plain.n >= 2), why)
    return replace(adjusted, **arrays, note=note, method="crossover" if named else plain.method)
