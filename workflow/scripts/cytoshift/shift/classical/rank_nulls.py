"""Exact null distributions of the signed-rank and rank-sum statistics, ties included, one per pattern of ranks."""

from functools import lru_cache

import numpy as np
from scipy import special


def signed_rank_p(ranks: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """Exact two-sided p-value of the signed-rank sum, given the ranks: every sign has probability 1/2.

    `ranks` (features, pairs) hold doubled mid-ranks as integers, 0 where a pair is missing or its change is zero;
    `positive` (features, pairs) is true where the change rises. p = P(|W − E W| ≥ |w − E W|), shape (features,).
    Features with the same ranks share one distribution.
    """
    total = ranks.sum(axis=1)
    observed = np.where(positive, ranks, 0).sum(axis=1)
    lower = np.minimum(observed, total - observed)
    patterns, index = np.unique(np.sort(ranks, axis=1), axis=0, return_inverse=True)
    p_value = np.empty(total.shape)
    members = _members(index, len(patterns))
    for pattern, rows in zip(patterns, members, strict=True):
        step = _common_step(pattern)
        cumulative = np.cumsum(_signed_sums(pattern[pattern > 0] // step))
        p_value[rows] = np.minimum(1.0, 2 * cumulative[lower[rows] // step])
    return p_value


def rank_sum_p(ranks: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Exact two-sided p-value of the target arm's rank sum, given the pooled ranks: every labelling is equally likely.

    `ranks` (features, subjects) hold doubled mid-ranks as integers, 0 where missing; `target` (subjects,) is true for
    the target arm. p = P(|W − E W| ≥ |w − E W|), shape (features,).
    """
    chosen = (ranks > 0) & target
    size, count, total = chosen.sum(axis=1), (ranks > 0).sum(axis=1), ranks.sum(axis=1)
    observed = np.where(chosen, ranks, 0).sum(axis=1)
    swap = size > count - size
    size, observed = np.where(swap, count - size, size), np.where(swap, total - observed, observed)
    keys = np.column_stack([np.sort(ranks, axis=1), size])
    patterns, index = np.unique(keys, axis=0, return_inverse=True)
    p_value = np.empty(total.shape)
    for pattern, rows in zip(patterns, _members(index, len(patterns)), strict=True):
        step = _common_step(pattern[:-1])
        present, drawn = pattern[:-1][pattern[:-1] > 0] // step, int(pattern[-1])
        probability = _drawn_sums(present, drawn)
        # Distances from the mean in whole numbers: count·sum − drawn·total.
        distance = np.abs(present.size * np.arange(probability.size) - drawn * present.sum())
        order = np.argsort(distance, kind="stable")[::-1]
        tail = np.cumsum(probability[order])
        seen = np.abs(present.size * (observed[rows] // step) - drawn * present.sum())
        p_value[rows] = np.minimum(1.0, tail[np.searchsorted(-distance[order], -seen, side="right") - 1])
    return p_value


@lru_cache(maxsize=512)
def signed_rank_cumulative(pairs: int) -> np.ndarray:
    """P(W ≤ w), w = 0, 1, …, half the largest sum, of the signed-rank sum of n pairs without ties or zeros."""
    return np.cumsum(_signed_sums(np.arange(1, pairs + 1)))


@lru_cache(maxsize=512)
def rank_sum_cumulative(first: int, second: int) -> np.ndarray:
    """P(U ≤ u), u = 0, 1, …, of the Mann–Whitney count of two arms without ties."""
    drawn = min(first, second)
    sums = _drawn_sums(np.arange(1, first + second + 1), drawn)
    return np.cumsum(sums[drawn * (drawn + 1) // 2 :])


def _members(index: np.ndarray, groups: int) -> list[np.ndarray]:
    flat = index.ravel()
    order = np.argsort(flat, kind="stable")
    return np.split(order, np.cumsum(np.bincount(flat, minlength=groups))[:-1])


def _common_step(ranks: np.ndarray) -> int:
    """Doubled ranks without half-ranks among them are all even: counting in twos halves the work."""
    return 1 if (ranks % 2).any() else 2


def _signed_sums(ranks: np.ndarray) -> np.ndarray:
    """Probability of each sum up to half the largest, each rank counted with probability 1/2."""
    probability = np.zeros(int(ranks.sum()) // 2 + 1)
    probability[0] = 1.0
    for rank in ranks:
        added = np.zeros_like(probability)
        added[rank:] = probability[: max(0, probability.size - rank)]
        probability = (probability + added) / 2
    return probability


def _drawn_sums(ranks: np.ndarray, drawn: int) -> np.ndarray:
    """Probability of each sum of `drawn` ranks taken without replacement; counts stay below 2^53 or err by 1e-16."""
    ascending = np.sort(ranks)
    ways = np.zeros((drawn + 1, int(ascending[ascending.size - drawn :].sum()) + 1))
    ways[0, 0] = 1.0
    reach = 0
    for position, rank in enumerate(ascending):
        # Row c can be met only after c ranks, and matters only if enough ranks remain to fill the draw.
        high, low = min(position + 1, drawn), max(1, drawn - (ascending.size - position - 1))
        reach = min(ways.shape[1], reach + int(rank) + 1)
        if low <= high and rank < reach:
            ways[low : high + 1, rank:reach] += ways[low - 1 : high, : reach - rank]
    return ways[drawn] / special.comb(ascending.size, drawn)
