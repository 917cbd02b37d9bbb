"""By how much do two conditions of the same subjects differ beyond what the order of periods does, in a contrast?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cytoshift.shift.censoring.arm_pair_sums import arm_sum_change
from cytoshift.shift.censoring.censored_arms import censored_change_of_arms
from cytoshift.shift.censoring.censored_change import censored_change
from cytoshift.shift.censoring.interval_answer import Rows, design_rows
from cytoshift.shift.censoring.interval_regression import difference_bounds, regression_rows
from cytoshift.shift.censoring.pair_sums import PairSum, sum_change
from cytoshift.shift.comparison import Comparison
from cytoshift.shift.estimates import Estimates, add_note, count_note
from cytoshift.shift.intervals import bounds_of_pairs, is_one_change, is_pair, limits_of_change, pair_sum_of
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


def crossover_intervals(part: Comparison, level: float) -> tuple[Estimates, np.ndarray, np.ndarray]:
    """The effect adjusted for period with non-detects as intervals.

    Half the difference, between subjects who took the arm later and those who took it earlier, of the change from the
    earlier to the later period; with several pairs of periods each has a mean change of its own. Two values of each
    subject: by `censored_change_of_arms`; means of visits and changes within conditions: by `arm_sum_change`. Where no
    pair of periods was taken in both orders but the periods together tell (a Latin square), the model of
    `crossover_effect` for differences known between limits, an approximation (`difference_bounds`). Where the orders of
    a feature's pairs do not tell effect and period apart, its pairs are compared without, and the note says so.
    Returns the estimates, and of each feature how its p-value and its interval were found.
    """
    order, pairs = _periods(part).order, pair_sum_of(part)
    known = order.known[:, None]
    one = is_one_change(part)
    alone = censored_change(bounds_of_pairs(part), level=level) if one else sum_change(pairs, level=level)
    plain = alone.estimates
    by_order = _by_order(pairs, order, level)
    pattern = np.where(pairs.present & known, 0.0, np.nan)
    together = fit_orders(filled(pattern), order)[0, : pattern.shape[1]] == 0
    square, adjusted = ~together & ~_both_orders(pairs.present & known, order), by_order
    if square.any():
        limits = difference_bounds(*vars(bounds_of_pairs(part)).values()) if is_pair(part) else limits_of_change(part)
        adjusted = _instead(adjusted, _of_differences(*limits, order, level), square)
    adjusted = _left_out(adjusted, (pairs.present & ~known).sum(axis=0))
    # Non-detects are compared as censored pairs then, not by the t of the differences.
    words = [text.replace(" (paired t)", "") for text in why_together(pattern, order)]
    why = np.where(plain.n >= 2, np.array(words, dtype=object), "")
    p_method, ci_method = (
        np.where(square, of_square, np.where(together, getattr(plain, name), getattr(by_order, name))).astype(object)
        for name, of_square in (("p_method", "calibrated_lr"), ("ci_method", "profile"))
    )
    p_method[together & alone.by_scores] = "censored_t"
    return _instead(adjusted, plain, together, why), p_method, ci_method


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


def _by_order(pairs: PairSum, order: PeriodOrder, level: float) -> Estimates:
    """Half the difference of the later less the earlier period between those who took the arm later, and earlier."""
    by_period = pairs.swap(~order.arm_later).of_subjects(order.known)
    later, places = order.arm_later.astype(float), range(1, len(order.pairs))
    groups = np.column_stack([order.pair == place for place in places] or [np.empty((len(later), 0))]).astype(float)
    names = [f"periods {first:g} and {second:g}" for first, second in order.pairs[1:]]
    if len(pairs.parts) == 1:
        first, up_to_first, second, up_to_second = vars(by_period.parts[0]).values()
        found = censored_change_of_arms(
            first, up_to_first, second, up_to_second, later, groups, covariate_names=names, level=level
        )
    else:
        found = arm_sum_change(by_period, later, groups, group_names=names, level=level)
    few = (found.n_reference < 2) | (found.n_target < 2)
    lacking = [
        f"two subjects of each order are needed; {last} took the arm last, {first} first"
        for last, first in zip(found.n_target.tolist(), found.n_reference.tolist(), strict=True)
    ]
    halves = {name: getattr(found, name) / 2 for name in HALVED}
    note = np.where(few, np.array(lacking, dtype=object), found.note)
    return replace(found, **halves, n_reference=found.n, n_target=found.n, note=note, method=METHOD)


def _both_orders(present: np.ndarray, order: PeriodOrder) -> np.ndarray:
    """(features,) whether some pair of periods was taken in both orders."""
    pair = order.pair[:, None]
    both = [
        ((pair == place) & present & order.arm_later[:, None]).any(axis=0)
        & ((pair == place) & present & ~order.arm_later[:, None]).any(axis=0)
        for place in range(len(order.pairs))
    ]
    return np.asarray(np.any(both, axis=0)) if both else np.zeros(present.shape[1], dtype=bool)


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


def _instead(adjusted: Estimates, plain: Estimates, where: np.ndarray, why: np.ndarray | str = "") -> Estimates:
    arrays = {name: np.where(where, getattr(plain, name), getattr(adjusted, name)) for name in NUMBERS}
    note = add_note(np.where(where, plain.note, adjusted.note), where & (np.asarray(why) != ""), why)
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
