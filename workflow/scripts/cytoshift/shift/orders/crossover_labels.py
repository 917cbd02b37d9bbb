"""Did a condition matter in a crossover, judged by the act that made it one: who was given which order?

If nothing depends on the conditions, a subject's values in each period stay what they are whatever the order drawn, so
the orders can be redistributed among subjects. Flipping the signs of differences cleared of a period effect is not
exact: the estimated effect is in all of them. Orders that were not randomised have no such guarantee.

Two nulls, because a study of three or more conditions can ask two things. `order_test` redistributes who took the arm
later among subjects who took the two conditions in the same two periods: exact if exchanging these two would have
changed nothing in these periods, whatever other conditions do (if they carry over, only where the order of the others
is the same too: name it in `strata`). `sequence_test` redistributes whole sequences: exact only if no condition of the
study changes anything, but it also works where no two subjects exchange the two within the same periods, as in a Latin
square. With two conditions and two periods both are one test.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cytoshift.shift.exact.rearrangements import DRAWS_PER_BATCH, ExactTest, LinearOrbit, Rearrangements
from cytoshift.shift.exact.relabelling import arm_relabellings, label_relabellings, label_test, relabelling_orbit
from cytoshift.shift.orders.crossover import PeriodOrder

NO_EXCHANGE = "no two subjects took the two conditions in the same two periods in both orders: no statistic, p-value 1"
NO_SEQUENCES = "no stratum has scores that differ and more than one order: no statistic, p-value 1"


def order_strata(order: PeriodOrder, strata: np.ndarray | None = None) -> np.ndarray:
    """Groups of subjects (subjects,) among whom orders are redistributed: stratum of the randomisation × two periods.

    Subjects without a known order form groups of their own, in which nothing moves. Raises ValueError when `strata`
    (subjects,) has another length.
    """
    outer = np.zeros(len(order.known), dtype=int) if strata is None else np.asarray(strata)
    if outer.shape != order.known.shape:
        raise ValueError(f"strata of {outer.size} subjects, orders of {order.known.size}")
    _, codes = np.unique(outer.astype(str), return_inverse=True)
    return np.asarray(codes * (len(order.pairs) + 1) + order.pair + 1)


def order_relabellings(
    order: PeriodOrder,
    strata: np.ndarray | None = None,
    *,
    max_exact: int = 20_000,
    draws: int = 9_999,
    rng: np.random.Generator | None = None,
) -> Rearrangements:
    """Redistributions of "took the arm later" within `order_strata`; see `arm_relabellings` for the arguments."""
    groups = order_strata(order, strata)
    return arm_relabellings(order.arm_later, groups, max_exact=max_exact, draws=draws, rng=rng)


def order_orbit(
    scores: np.ndarray, order: PeriodOrder, relabellings: Rearrangements, strata: np.ndarray | None = None
) -> LinearOrbit:
    """S_j = Σ_i (a_i − ā) u_ij / √(permutation variance): a = 1 where the arm came later, ā within `order_strata`.

    S is positive where values are higher under the arm. With two periods it is the within-subject effect adjusted for
    period, standardised.

    Args:
        scores: (subjects, features) u, later − earlier period: differences, differences of detection, or censored
            scores of the two periods' values (`PeriodOrder.later_less_earlier`); NaN where missing. They must not
            depend on which condition was taken when, except through the values.
        order: in which periods the subjects took the two conditions.
        relabellings: those of `order_relabellings` with the same strata.
        strata: (subjects,) stratum of the randomisation.

    Returns:
        The orbit, for `max_t`, `global_test` and `two_sided_p`.

    Raises:
        ValueError: shapes that do not fit together.
    """
    return relabelling_orbit(scores, order.arm_later, relabellings, order_strata(order, strata))


def order_test(
    scores: np.ndarray,
    order: PeriodOrder,
    relabellings: Rearrangements,
    strata: np.ndarray | None = None,
    *,
    batch: int = DRAWS_PER_BATCH,
) -> ExactTest:
    """Exact two-sided test that exchanging the two conditions changes nothing, each feature on its own.

    Arguments as in `order_orbit`. For differences of detection it is Prescott's test (1981, Applied Statistics 30:9).
    Not for orders that were not randomised.
    """
    return label_test(order_orbit(scores, order, relabellings, strata), NO_EXCHANGE, batch=batch)


def sequence_relabellings(
    order: PeriodOrder,
    strata: np.ndarray | None = None,
    *,
    max_exact: int = 20_000,
    draws: int = 9_999,
    rng: np.random.Generator | None = None,
) -> Rearrangements:
    """Redistributions of whole sequences among the subjects of each stratum, as labels (subjects, draws).

    A label is the place, in `taken_orders`, of the periods in which a sequence has the arm and the control; nothing
    else of a sequence enters, so sequences that agree there are one. Subjects without an order keep −1. Arguments and
    errors as in `arm_relabellings`.
    """
    places = _places(order)
    if not order.known.any():
        return Rearrangements(places[:, None].astype(float), complete=True, mirrored=False)
    moving = order.known
    groups = None if strata is None else _moving(order, strata)
    found = label_relabellings(places[moving], groups, max_exact=max_exact, draws=draws, rng=rng)
    labels = np.full((len(moving), found.draws), -1.0)
    labels[moving] = found.weights
    return replace(found, weights=labels)


def taken_orders(order: PeriodOrder) -> list[tuple[float, float]]:
    """The (period of the arm, period of the control) that occur, in their order."""
    return sorted({(float(order.of_arm[row]), float(order.of_control[row])) for row in np.flatnonzero(order.known)})


def sequence_orbit(
    scores: np.ndarray, order: PeriodOrder, relabellings: Rearrangements, strata: np.ndarray | None = None
) -> LinearOrbit:
    """S_j = (T_j − mean) / √variance over redistributed sequences, T_j = Σ_i the score of subject i under its sequence.

    A subject who took the arm in period p and the control in q adds the score of p − q. T is the score of arm − control
    in the model value = subject + period; less its mean over redistributions (both within the stratum, in closed form:
    Hoeffding 1951) it does not depend on effects of period. A missing score counts as its mean over the subjects.

    Args:
        scores: (pairs, subjects, features) scores of later − earlier period of every pair in `order.pairs`, also where
            the subject took other conditions then; NaN where missing.
        order: in which periods the subjects took the two conditions.
        relabellings: those of `sequence_relabellings` with the same strata.
        strata: (subjects,) stratum of the randomisation.

    Returns:
        The orbit, for `max_t`, `global_test` and `two_sided_p`.

    Raises:
        ValueError: shapes that do not fit together, or infinite scores.
    """
    scores = np.asarray(scores, dtype=float)
    subjects, taken = len(order.known), taken_orders(order)
    if scores.ndim != 3 or scores.shape[:2] != (len(order.pairs), subjects) or len(relabellings.weights) != subjects:
        raise ValueError(
            f"scores {scores.shape} and relabellings {relabellings.weights.shape} of {subjects} subjects in "
            f"{len(order.pairs)} pairs of periods"
        )
    if np.isinf(scores).any():
        raise ValueError("a score is infinite: a value was divided by 0 or is the logarithm of 0")
    table = _by_order(scores, order, taken)
    centred = np.zeros_like(table)
    variance = np.zeros((len(table), 1))
    for members in _members(order, strata):
        sizes = np.bincount(_places(order)[members], minlength=len(taken))
        if np.count_nonzero(sizes) > 1:
            own = _centre(np.ascontiguousarray(table[:, members]), sizes)
            centred[:, members] = own
            squares = np.ascontiguousarray((own**2 * sizes).reshape(len(own), -1))
            variance += squares.sum(axis=1, keepdims=True) / (len(members) - 1)
    deviation = np.sqrt(variance)
    # One order's score is redundant: exactly one is taken, and over the subjects of a stratum it sums to 0.
    less = np.ascontiguousarray((centred[:, :, 1:] - centred[:, :, :1]).reshape(len(table), -1))
    labels = relabellings.weights[:, None, :] == np.arange(1, len(taken))[:, None]
    weights = labels.reshape(-1, relabellings.draws).astype(float)
    return LinearOrbit(replace(relabellings, weights=weights), less / np.where(deviation > 0, deviation, 1.0))


def sequence_test(
    scores: np.ndarray,
    order: PeriodOrder,
    relabellings: Rearrangements,
    strata: np.ndarray | None = None,
    *,
    batch: int = DRAWS_PER_BATCH,
) -> ExactTest:
    """Exact two-sided test that no condition of the study changes anything, in the direction arm − control.

    Arguments as in `sequence_orbit`, each feature on its own; `n_informative` counts subjects. A rejection says that
    the conditions matter; that it is these two rests on the other conditions not differing from both. Not for orders
    that were not randomised.
    """
    orbit = sequence_orbit(scores, order, relabellings, strata)
    found = label_test(orbit, NO_SEQUENCES, batch=batch)
    speaks = 2 * np.abs(orbit.scores) > orbit.tolerance[:, None]
    by_subject = speaks.reshape(len(speaks), len(order.known), -1).any(axis=2)
    return replace(found, n_informative=by_subject.sum(axis=1))


def _places(order: PeriodOrder) -> np.ndarray:
    """(subjects,) place of each subject's periods in `taken_orders`, −1 without an order."""
    places = np.full(len(order.known), -1)
    for place, (arm, control) in enumerate(taken_orders(order)):
        places[order.known & (order.of_arm == arm) & (order.of_control == control)] = place
    return places


def _moving(order: PeriodOrder, strata: np.ndarray) -> np.ndarray:
    groups = np.asarray(strata)
    if groups.shape != order.known.shape:
        raise ValueError(f"strata of {groups.size} subjects, orders of {order.known.size}")
    return groups[order.known].astype(str)


def _members(order: PeriodOrder, strata: np.ndarray | None) -> list[np.ndarray]:
    """Row numbers of the subjects with an order, by stratum."""
    rows = np.flatnonzero(order.known)
    if strata is None or not rows.size:
        return [rows] if rows.size else []
    _, codes = np.unique(_moving(order, strata), return_inverse=True)
    return [rows[codes == code] for code in range(codes.max() + 1)]


def _by_order(scores: np.ndarray, order: PeriodOrder, taken: list[tuple[float, float]]) -> np.ndarray:
    """(features, subjects, orders): what each subject would add to T under each order, the largest size being 1."""
    pairs = order.pairs
    table = np.empty((scores.shape[2], scores.shape[1], len(taken)))
    for place, (arm, control) in enumerate(taken):
        own = scores[pairs.index((min(arm, control), max(arm, control)))].T
        table[:, :, place] = own if arm > control else -own
    # Scaling by the largest score first keeps the squares from under- or overflowing.
    largest = np.nanmax(np.abs(table), axis=(1, 2), keepdims=True, initial=0.0)
    return table / np.where(largest > 0, largest, 1.0)


def _centre(table: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(features, subjects, orders) less the mean of each order over subjects, then of each subject over orders drawn.

    0 where missing, where an order does not occur in the stratum, and where scores differ by rounding alone.
    """
    present = ~np.isnan(table)
    values = np.where(present, table, 0.0)
    across = np.ascontiguousarray(values.transpose(0, 2, 1)).sum(axis=2)[:, None]
    mean = across / np.maximum(present.sum(axis=1, keepdims=True), 1)
    centred = np.where(present & (sizes > 0), values - mean, 0.0)
    centred = np.where(sizes > 0, centred - (centred * sizes).sum(axis=2, keepdims=True) / sizes.sum(), 0.0)
    rounding = 1e-12 * np.abs(values).max(axis=(1, 2), keepdims=True, initial=0.0)
    return np.where(np.abs(centred).max(axis=(1, 2), keepdims=True, initial=0.0) > rounding, centred, 0.0)
