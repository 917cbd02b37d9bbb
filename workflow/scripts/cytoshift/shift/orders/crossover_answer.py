"""By how much do two conditions of the same subjects differ beyond what the order of periods does, in a contrast?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cytoshift.shift.censoring.censored_arms import censored_change_of_arms
from cytoshift.shift.censoring.censored_change import censored_change
from cytoshift.shift.censoring.interval_answer import Rows, design_rows
from cytoshift.shift.censoring.interval_regression import difference_bounds, interval_mean, regression_rows
from cytoshift.shift.censoring.pair_bounds import PairBounds
from cytoshift.shift.comparison import Comparison
from cytoshift.shift.estimates import Estimates, add_note, count_note
from cytoshift.shift.intervals import bounds_of_pairs, is_pair, limits_of_change
from cytoshift.shift.mixed.mixed_answer import filled
from cytoshift.shift.orders.crossover import PeriodOrder, crossover_effect, fit_orders, period_columns, why_together
from cytoshift.shift.orders.crossover_model import crossover_contrast, crossover_design, crossover_model
from cytoshift.shift.orders.periods import Periods
from cytoshift.study.contrasts import visits_of

METHOD = "censored_crossover"
# The share of non-detects that every censored estimator calls too many.
APPROXIMATE_ABOVE = 0.4
OF_DIFFERENCES = "differences known between limits: approximate"
NUMBERS = [name for name in Estimates.__dataclass_fields__ if name not in ("method", "p_method", "ci_method", "note")]
HALVED = ("estimate", "se", "ci_low", "ci_high")


def crossover_numbers(part: Comparison, level: float) -> Estimates:
    """The effect adjusted for period where every value counts as known; see `crossover_effect`."""
    order = _periods(part).order
    return crossover_effect(part.of_arm, part.of_control, order.of_arm, order.of_control, level=level)


def crossover_intervals(part: Comparison, level: float) -> Estimates:
    """The effect adjusted for period with non-detects as intervals.

    Two values of each subject in one pair of periods: half the difference between the two sequences of the change from
    the earlier to the later period, by `censored_change_of_arms`. Otherwise the model of `crossover_effect` for
    differences known between limits, an approximation (`difference_bounds`). Where the orders of a feature's pairs do
    not tell effect and period apart, its pairs are compared without, and the note says so.
    """
    order = _periods(part).order
    if is_pair(part):
        bounds = bounds_of_pairs(part)
        plain, there = censored_change(bounds, level=level).estimates, bounds.present
        if len(order.pairs) == 1:
            adjusted = _of_values(bounds, order, level)
        else:
            lower, upper = difference_bounds(*vars(bounds).values())
            there, adjusted = ~np.isnan(lower), _of_differences(lower, upper, order, level)
    else:
        lower, upper = limits_of_change(part)
        plain, there = interval_mean(lower, upper, level=level), ~np.isnan(lower)
        hidden = (lower < upper).any(axis=0) & ~np.isnan(plain.p_value)
        plain = replace(plain, note=add_note(plain.note, hidden, OF_DIFFERENCES))
        adjusted = _of_differences(lower, upper, order, level)
    known = order.known[:, None]
    pattern = np.where(there & known, 0.0, np.nan)
    together = fit_orders(filled(pattern), order)[0, : there.shape[1]] == 0
    why = np.where(plain.n >= 2, why_together(pattern, order), "")
    return _instead(_left_out(adjusted, (there & ~known).sum(axis=0)), plain, together, why)


def crossover_samples(part: Comparison, level: float) -> tuple[Estimates, Estimates]:
    """The contrast in the mixed model of all conditions, and the pairs' own answer for features it has none for."""
    repeated, periods, contrast = part.repeated, _periods(part), part.contrast
    if repeated is None:
        raise ValueError(f"contrast {contrast.id}: a mixed model needs the samples of its visits")
    place = {name: number for number, name in enumerate(periods.conditions)}
    columns = np.array([place.get(name, -1) for name in repeated.arm], dtype=int)
    period = np.where(columns >= 0, periods.taken[repeated.subject, columns], np.nan)
    conditions = [str(contrast.against), *sorted(set(repeated.arm.astype(str)) - {str(contrast.against)})]
    several, given = len(repeated.visits) > 1, part.samples["sequence"].to_numpy(dtype=object)
    design = crossover_design(
        repeated.subject,
        _texts(period),
        repeated.arm,
        conditions=conditions,
        sequence=(periods.sequence if (given == "").all() else given)[repeated.subject],
        visit=repeated.visit if several else None,
        visits=repeated.visits if several else (),
    )
    target = visits_of(contrast.at or contrast.target)
    when = (target, visits_of(contrast.reference) or None) if several else ()
    asked = crossover_contrast(design, str(contrast.arm), str(contrast.against), *when)
    fitted = crossover_model(repeated.values, design, [asked], level=level)[0]
    pairs = crossover_numbers(part, level)
    why = np.where(fitted.note == "", "", fitted.note + ": from the subjects with both conditions")
    return fitted, replace(pairs, note=add_note(why, pairs.note != "", pairs.note))


def _of_values(bounds: PairBounds, order: PeriodOrder, level: float) -> Estimates:
    by_period = bounds.swap(~order.arm_later)
    before, up_to_before, after, up_to_after = (
        np.where(order.known[:, None], limit, np.nan) for limit in vars(by_period).values()
    )
    found = censored_change_of_arms(
        before, up_to_before, after, up_to_after, order.arm_later.astype(float), level=level
    )
    few = (found.n_reference < 2) | (found.n_target < 2)
    lacking = [
        f"two subjects of each order are needed; {last} took the arm last, {first} first"
        for last, first in zip(found.n_target.tolist(), found.n_reference.tolist(), strict=True)
    ]
    halves = {name: getattr(found, name) / 2 for name in HALVED}
    note = np.where(few, np.array(lacking, dtype=object), found.note)
    return replace(found, **halves, n_reference=found.n, n_target=found.n, note=note, method=METHOD)


def _of_differences(lower: np.ndarray, upper: np.ndarray, order: PeriodOrder, level: float) -> Estimates:
    low, high = (np.where(order.known[:, None], limit, np.nan) for limit in (lower, upper))
    columns = period_columns(order)
    names = [f"period {place}" for place in range(2, columns.shape[1])]
    n = (~np.isnan(low)).sum(axis=0)

    def known(values: np.ndarray) -> Estimates:
        return crossover_effect(values, np.zeros_like(values), order.of_arm, order.of_control, level=level)

    def hidden(low: np.ndarray, high: np.ndarray) -> Rows:
        return design_rows(low, high, columns, names, level, "the effect")

    rows = regression_rows(low, high, n >= 2, known, hidden, APPROXIMATE_ABOVE)
    rows["note"] = add_note(rows["note"], (low < high).any(axis=0) & ~np.isnan(rows["p_value"]), OF_DIFFERENCES)
    rows["note"] = np.where(n >= 2, rows["note"], count_note(2, "pairs", n))
    return Estimates(
        n_reference=n, n_target=n, n=n, **rows, method=METHOD, p_method="calibrated_lr", ci_method="profile"
    )  # fmt: skip


def _left_out(adjusted: Estimates, lost: np.ndarray) -> Estimates:
    texts = [f"{count} subject{'s' * (count > 1)} without two known periods left out" for count in lost.tolist()]
    note = add_note(adjusted.note, (lost > 0) & ~np.isnan(adjusted.p_value), np.array(texts, dtype=object))
    return replace(adjusted, note=note)


def _instead(adjusted: Estimates, plain: Estimates, where: np.ndarray, why: np.ndarray) -> Estimates:
    arrays = {name: np.where(where, getattr(plain, name), getattr(adjusted, name)) for name in NUMBERS}
    note = add_note(np.where(where, plain.note, adjusted.note), where & (why != ""), why)
    return replace(adjusted, **arrays, note=note)


def _texts(period: np.ndarray) -> np.ndarray:
    """Periods as texts of one length, so that they sort as numbers do; '' where unknown."""
    texts = ["" if np.isnan(number) else f"{number:g}" for number in period]
    width = max(map(len, texts), default=0)
    return np.array([text.zfill(width) if text else "" for text in texts])


def _periods(part: Comparison) -> Periods:
    if part.periods is None:
        raise ValueError(f"contrast {part.contrast.id} does not compare two conditions of the same subjects")
    return part.periods
