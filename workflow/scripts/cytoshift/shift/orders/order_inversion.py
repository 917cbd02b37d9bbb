"""Which sizes of an effect does the test of redistributed orders not reject?"""

from __future__ import annotations

import numpy as np

from cytoshift.shift.exact.rearrangements import TIE_TOLERANCE, Rearrangements, spans
from cytoshift.shift.exact.relabelling import centre_labels, label_variance, stratum_members
from cytoshift.shift.orders.crossover import PeriodOrder
from cytoshift.shift.orders.crossover_labels import order_strata

FEATURES_PER_BLOCK = 16


def order_interval(
    scores: np.ndarray,
    order: PeriodOrder,
    relabellings: Rearrangements,
    strata: np.ndarray | None = None,
    *,
    alpha: float = 0.05,
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of the effect that holds every δ not rejected at alpha by `order_test` of the differences less δ.

    Without an effect of δ the later − earlier difference of a subject is u − δx, x = 1 where the arm came later and −1
    elsewhere. Under relabelling a* the statistic is A* − δB*, A* = Σ a*(u − ū) and B* = Σ a*(x − x̄) within strata, and
    B is largest for the orders as they were. So a* is at least as extreme exactly for δ between (A − A*)/(B − B*) and
    (A + A*)/(B + B*), which A/B always is, and the limits are order statistics of these ends, as in
    `flips.sign_flip_interval`. With two periods A/B is the estimate of `crossover_effect`. The interval and
    `order_test` with the same relabellings always agree about 0.

    Args:
        scores: (subjects, features) later − earlier differences of values; NaN where missing. No other scores.
        order: in which periods the subjects took the two conditions.
        relabellings: those of `order_relabellings` with the same strata.
        strata: (subjects,) stratum of the randomisation.
        alpha: 1 − confidence level.

    Returns:
        Lower and upper limits (features,): infinite where too few orders can be told apart to reject at alpha.

    Raises:
        ValueError: alpha is not between 0 and 1, or shapes do not fit.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha lies between 0 and 1, got {alpha}")
    values, weights = np.asarray(scores, dtype=float), relabellings.weights
    if values.ndim != 2 or len(values) != len(order.known) or len(weights) != len(values):
        raise ValueError(f"scores {values.shape} and relabellings {weights.shape} of {len(order.known)} subjects")
    members = [
        rows
        for rows in stratum_members(order.arm_later.astype(float), order_strata(order, strata))
        if label_variance(order.arm_later[rows].astype(float)) > 0
    ]
    low, high = np.full(values.shape[1], -np.inf), np.full(values.shape[1], np.inf)
    turns = np.where(order.arm_later, 1.0, -1.0)
    for block in spans(values.shape[1], FEATURES_PER_BLOCK):
        own = np.ascontiguousarray(values[:, block].T)
        signs = np.where(np.isnan(own), np.nan, turns)
        low[block], high[block] = _limits(_within(own, members), _within(signs, members), weights, alpha)
    return low, high


def _within(rows: np.ndarray, strata: list[np.ndarray]) -> np.ndarray:
    """(features, subjects) less the mean of the stratum's values; 0 where missing or where all have one order."""
    centred = np.zeros_like(rows)
    for members in strata:
        centred[:, members] = centre_labels(np.ascontiguousarray(rows[:, members]))
    return centred


def _limits(values: np.ndarray, signs: np.ndarray, weights: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    shifts, sizes = values @ weights, signs @ weights
    shift, size = ((part * weights[:, 0]).sum(axis=1, keepdims=True) for part in (values, signs))
    tie = TIE_TOLERANCE * np.abs(values).sum(axis=1, keepdims=True)
    same = TIE_TOLERANCE * np.abs(signs).sum(axis=1, keepdims=True)
    ends = [_end(shift - shifts, size - sizes, tie, same), _end(shift + shifts, size + sizes, tie, same)]
    endless = np.isnan(ends[0]) | np.isnan(ends[1])
    lower, upper = np.where(endless, -np.inf, np.minimum(*ends)), np.where(endless, np.inf, np.maximum(*ends))
    draws = weights.shape[1]
    # δ is accepted when more than alpha·draws relabellings reach it; the tiny term guards products such as 0.05 × 20.
    rank = int(np.floor(alpha * draws * (1 + 1e-12)))
    lower.partition(rank, axis=1)
    upper.partition(draws - 1 - rank, axis=1)
    return lower[:, rank], upper[:, draws - 1 - rank]


def _end(above: np.ndarray, below: np.ndarray, tie: np.ndarray, same: np.ndarray) -> np.ndarray:
    """above / below; 0 where above is a tie with 0, NaN where the relabelling is the true orders, or their mirror."""
    above = np.where(np.abs(above) <= tie, 0.0, above)
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > same)
