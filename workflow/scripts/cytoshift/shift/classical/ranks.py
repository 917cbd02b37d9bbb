"""Did the typical value move, judged by ranks: signed-rank, rank-sum, and the Hodges–Lehmann estimates with them?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from cytoshift.shift.classical.rank_nulls import rank_sum_cumulative, rank_sum_p, signed_rank_cumulative, signed_rank_p
from cytoshift.shift.estimates import ROUNDING, Estimates, add_note, as_panel, check_level, empty_notes, largest_size

# Exact up to here, a normal approximation beyond: pairs of the signed-rank test, subjects of both arms of the rank-sum.
LARGEST_EXACT = 50
# Walsh averages and differences between arms are made for this many numbers at once (about 160 MB with the sort).
BLOCK_ELEMENTS = 10_000_000


@dataclass(frozen=True)
class Location:
    """Hodges–Lehmann estimates: shape (features,) each; limits are infinite where no bounded interval has the level."""

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    coverage: np.ndarray
    note: np.ndarray


def signed_rank(change: ArrayLike, *, level: float = 0.95) -> Estimates:
    """Wilcoxon signed-rank test of the changes, with the Hodges–Lehmann estimate and interval, all features at once.

    `change` (subjects, features): target − reference, NaN where the pair is missing. Zeros are ranked with the others
    and then left out of the sum (Pratt 1959); ties share their mean rank. Up to 50 pairs the p-value is exact given
    the ties and zeros, beyond it is normal without continuity correction, and the note says so. `statistic` is the
    standardised sum of the positive ranks. Without any non-zero change p is 1. Raises ValueError for another shape or
    a level outside (0, 1). The test is of symmetry about 0: a skewed change can reject without a shift.
    """
    panel = _rounded(as_panel(change, "change"))
    pairs = (~np.isnan(panel)).sum(axis=0)
    ranks = _signed_ranks(panel)
    positive = panel > 0
    expected = ranks.sum(axis=0) / 2
    centred = np.where(positive, ranks, 0.0).sum(axis=0) - expected
    spread = np.sqrt((ranks**2).sum(axis=0)) / 2
    p_value, note = _p_values(centred, spread, pairs, "pairs", "no pairs")
    exact = (pairs <= LARGEST_EXACT) & (spread > 0)
    if exact.any():
        doubled = np.rint(2 * ranks[:, exact]).astype(np.int64).T
        p_value[exact] = signed_rank_p(doubled, positive[:, exact].T)
    note = add_note(note, (pairs > 0) & (spread == 0), "all changes are zero")
    location = hodges_lehmann(change, level=level)
    return _rank_estimates(location, pairs, pairs, pairs, centred, spread, p_value, note, "signed_rank")


def rank_sum(target: ArrayLike, reference: ArrayLike, *, level: float = 0.95) -> Estimates:
    """Wilcoxon–Mann–Whitney test of two arms, with the Hodges–Lehmann shift and interval, all features at once.

    `target` (subjects, features) and `reference` (other subjects, the same features), NaN where missing. Ties share
    their mean rank. Up to 50 subjects in both arms the p-value is exact given the ties, P(|W − E W| ≥ |w − E W|) over
    all labellings; beyond it is normal without continuity correction, and the note says so. `statistic` is the
    standardised rank sum of the target arm. Raises ValueError when shapes do not fit.
    The test is of equal distributions: a difference of spread alone can reject it.
    """
    first, second = as_panel(target, "target"), as_panel(reference, "reference")
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"target has {first.shape[1]} features, reference {second.shape[1]}")
    pooled = _rounded(np.vstack([first, second]))
    in_target = np.arange(len(pooled)) < len(first)
    present = ~np.isnan(pooled)
    n_target, n_reference = present[in_target].sum(axis=0), present[~in_target].sum(axis=0)
    count = n_target + n_reference
    ranks = np.where(present, _ranks(pooled), 0.0)
    both = (n_target > 0) & (n_reference > 0)
    safe = np.maximum(count, 2)
    mean = ranks.sum(axis=0) / safe
    squares = np.where(present, ranks - mean, 0.0) ** 2
    spread = np.sqrt(np.where(both, n_target * n_reference * squares.sum(axis=0) / (safe * (safe - 1.0)), 0.0))
    centred = ranks[in_target].sum(axis=0) - n_target * mean
    p_value, note = _p_values(centred, spread, np.where(both, count, 0), "subjects", "an arm without values")
    exact = (count <= LARGEST_EXACT) & (spread > 0)
    if exact.any():
        doubled = np.rint(2 * ranks[:, exact]).astype(np.int64).T
        p_value[exact] = rank_sum_p(doubled, in_target)
    note = add_note(note, both & (spread == 0), "all values are equal")
    location = hodges_lehmann_shift(target, reference, level=level)
    return _rank_estimates(location, n_reference, n_target, count, centred, spread, p_value, note, "rank_sum")


def hodges_lehmann(change: ArrayLike, *, level: float = 0.95) -> Location:
    """Median of all Walsh averages (d_i + d_j)/2, i ≤ j, zeros kept, with the interval of the signed-rank test.

    `change` (subjects, features), NaN where missing. The limits are the k-th smallest and largest Walsh average, k from
    the exact null of n pairs without ties (normal beyond 50 pairs); closed, so with ties they cover at least as much
    (Hodges & Lehmann 1963; Noether 1967). `coverage` is what is attained. With too few pairs for the level (5 or fewer
    at 0.95) the limits are infinite and the note says so. R's wilcox.test drops zeros first; we keep them.
    """
    panel = as_panel(change, "change")
    pairs = (~np.isnan(panel)).sum(axis=0)
    upper, lower = np.triu_indices(panel.shape[0])
    position, coverage = _position(pairs, _signed_rank_position, check_level(level))
    middle, low, high = np.full((3, panel.shape[1]), np.nan)
    for block in _blocks(panel.shape[1], upper.size):
        values = panel[:, block].T
        averages = np.sort((values[:, upper] + values[:, lower]) / 2, axis=1)
        middle[block], low[block], high[block] = _order_statistics(averages, position[block])
    return _location(middle, low, high, coverage, pairs > 0, position, pairs, "pairs", level)


def hodges_lehmann_shift(target: ArrayLike, reference: ArrayLike, *, level: float = 0.95) -> Location:
    """Median of all differences target_i − reference_j, and the interval that inverts the rank-sum test.

    `target` (subjects, features) and `reference` (other subjects, the same features), NaN where missing. The limits are
    the k-th smallest and largest difference, k from the exact null without ties (normal beyond 50 subjects); closed, so
    with ties they cover at least as much. `coverage` is what is attained; too few subjects for the level give infinite
    limits and a note (Hodges & Lehmann 1963).
    """
    first, second = as_panel(target, "target"), as_panel(reference, "reference")
    counts = np.column_stack([(~np.isnan(first)).sum(axis=0), (~np.isnan(second)).sum(axis=0)])
    both = counts.min(axis=1) > 0
    position, coverage = _position(counts, _rank_sum_position, check_level(level))
    middle, low, high = np.full((3, first.shape[1]), np.nan)
    for block in _blocks(first.shape[1], len(first) * len(second)):
        pairs = first[:, block].T[:, :, None] - second[:, block].T[:, None, :]
        ordered = np.sort(pairs.reshape(len(pairs), -1), axis=1)
        middle[block], low[block], high[block] = _order_statistics(ordered, position[block])
    return _location(middle, low, high, coverage, both, position, counts.sum(axis=1), "subjects in both arms", level)


def matched_rank_biserial(change: ArrayLike) -> np.ndarray:
    """Share of the rank sum that rises minus the share that falls, from −1 to 1, shape (features,) (Kerby 2014).

    `change` (subjects, features), NaN where missing; ranks as in `signed_rank`. NaN without a non-zero change.
    """
    panel = _rounded(as_panel(change, "change"))
    ranks = _signed_ranks(panel)
    total = ranks.sum(axis=0)
    balance = (ranks * np.sign(np.where(ranks > 0, panel, 0.0))).sum(axis=0)
    return np.divide(balance, total, out=np.full(total.shape, np.nan), where=total > 0)


def _rounded(panel: np.ndarray) -> np.ndarray:
    """Values on a grid of 1e-12 of the feature's largest, so that ties and zeros survive the arithmetic before."""
    unit = ROUNDING * largest_size(panel)
    unit = np.where(unit > 0, unit, 1.0)
    return np.rint(panel / unit)


def _ranks(panel: np.ndarray) -> np.ndarray:
    """Mid-ranks within each feature; missing values are put last, where they disturb nobody."""
    return stats.rankdata(np.where(np.isnan(panel), np.inf, panel), axis=0)


def _signed_ranks(panel: np.ndarray) -> np.ndarray:
    """Pratt's ranks of |change|: zeros take part in the ranking and then count as 0, as do missing pairs."""
    moved = ~np.isnan(panel) & (panel != 0)
    return np.where(moved, _ranks(np.abs(panel)), 0.0)


def _p_values(
    centred: np.ndarray, spread: np.ndarray, count: np.ndarray, unit: str, absent: str
) -> tuple[np.ndarray, np.ndarray]:
    """Normal p-values: 1 without spread, NaN and a note without data, a note where the exact null is too large."""
    z = np.divide(centred, spread, out=np.zeros(spread.shape), where=spread > 0)
    p_value = np.where(count > 0, 2 * stats.norm.sf(np.abs(z)), np.nan)
    note = add_note(empty_notes(count.size), count == 0, absent)
    large = (count > LARGEST_EXACT) & (spread > 0)
    return p_value, add_note(note, large, f"normal approximation: more than {LARGEST_EXACT} {unit}")


def _position(
    counts: np.ndarray, find: Callable[[np.ndarray, float], tuple[int, float]], level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Which order statistic bounds the interval (0: none does), and the coverage, found once per distinct size."""
    sizes, index = np.unique(counts, axis=0, return_inverse=True)
    found = np.array([find(size, (1 - level) / 2) for size in sizes]).reshape(-1, 2)[index.ravel()]
    return found[:, 0].astype(np.int64), found[:, 1]


def _signed_rank_position(size: np.ndarray, tail: float) -> tuple[int, float]:
    pairs = int(size)
    if pairs <= LARGEST_EXACT:
        return _exact_position(signed_rank_cumulative(pairs), tail)
    return _normal_position(pairs * (pairs + 1) / 4, np.sqrt(pairs * (pairs + 1) * (2 * pairs + 1) / 24), tail)


def _rank_sum_position(size: np.ndarray, tail: float) -> tuple[int, float]:
    first, second = int(size[0]), int(size[1])
    if first + second <= LARGEST_EXACT:
        return _exact_position(rank_sum_cumulative(first, second), tail)
    return _normal_position(first * second / 2, np.sqrt(first * second * (first + second + 1) / 12), tail)


def _exact_position(cumulative: np.ndarray, tail: float) -> tuple[int, float]:
    """Largest k with P(W ≤ k − 1) ≤ tail, and the coverage 1 − 2·P(W ≤ k − 1)."""
    position = int(np.searchsorted(cumulative, tail * (1 + 1e-12), side="right"))
    return position, 1.0 if position == 0 else float(1 - 2 * cumulative[position - 1])


def _normal_position(mean: float, spread: float, tail: float) -> tuple[int, float]:
    position = max(0, int(np.floor(mean + 0.5 + stats.norm.ppf(tail) * spread)))
    return position, 1.0 if position == 0 else float(1 - 2 * stats.norm.cdf((position - 0.5 - mean) / spread))


def _blocks(features: int, width: int) -> Iterator[slice]:
    step = max(1, BLOCK_ELEMENTS // max(1, width))
    for start in range(0, features, step):
        yield slice(start, start + step)


def _order_statistics(ordered: np.ndarray, position: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Median and the k-th smallest and largest of each row; rows are sorted, their missing values at the end."""
    if ordered.shape[1] == 0:
        ordered = np.full((len(ordered), 1), np.nan)
    count = (~np.isnan(ordered)).sum(axis=1)
    row = np.arange(len(ordered))
    last = np.maximum(count - 1, 0)
    middle = (ordered[row, last // 2] + ordered[row, (last + 1) // 2]) / 2
    bounded = position > 0
    low = np.where(bounded, ordered[row, np.clip(position - 1, 0, last)], -np.inf)
    high = np.where(bounded, ordered[row, np.clip(count - position, 0, last)], np.inf)
    return middle, low, high


def _location(
    middle: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    coverage: np.ndarray,
    known: np.ndarray,
    position: np.ndarray,
    count: np.ndarray,
    unit: str,
    level: float,
) -> Location:
    low, high, coverage = (np.where(known, part, np.nan) for part in (low, high, coverage))
    texts = np.array(
        [f"{int(number)} {unit} are too few for a bounded {level:.6g} interval" for number in count], object
    )
    note = add_note(empty_notes(middle.size), known & (position == 0), texts)
    return Location(middle, low, high, coverage, note)


def _rank_estimates(
    location: Location,
    n_reference: np.ndarray,
    n_target: np.ndarray,
    count: np.ndarray,
    centred: np.ndarray,
    spread: np.ndarray,
    p_value: np.ndarray,
    note: np.ndarray,
    method: str,
) -> Estimates:
    unknown = np.full(p_value.shape, np.nan)
    return Estimates(
        n_reference=n_reference,
        n_target=n_target,
        n=count,
        estimate=location.estimate,
        se=unknown,
        df=unknown,
        ci_low=location.low,
        ci_high=location.high,
        coverage=location.coverage,
        statistic=np.divide(centred, spread, out=np.full(spread.shape, np.nan), where=spread > 0),
        p_value=p_value,
        residual_variance=unknown,
        note=add_note(note, location.note != "", location.note),
        method=method,
        p_method=f"exact_{method}",
        ci_method="hodges_lehmann",
    )
