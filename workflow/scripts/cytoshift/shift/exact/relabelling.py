"""Did the arms differ, judged by the very act that made them: which subject was given which arm?

Under randomisation every relabelling within a stratum was equally likely. Each subject's score comes from a model that
does not know the arm (`null_model.null_scores`), so it stays put while the labels move. Arms that were not randomised
have no such guarantee: see `null_model.freedman_lane_orbit`. A label may be any number: for doses see `dose_trend`.
"""

import math
from collections.abc import Iterator
from itertools import combinations

import numpy as np

from cytoshift.shift.exact.rearrangements import (
    DRAWS_PER_BATCH,
    ExactTest,
    LinearOrbit,
    Rearrangements,
    smallest_two_sided_p,
    two_sided_p,
)

UNDEFINED_NOTE = "no stratum has scores that differ and subjects of both arms: no statistic, p-value 1"


def arm_relabellings(
    target: np.ndarray,
    strata: np.ndarray | None = None,
    *,
    max_exact: int = 20_000,
    draws: int = 9_999,
    rng: np.random.Generator | None = None,
) -> Rearrangements:
    """The relabellings that keep each stratum's arm sizes: all of them when few, otherwise random ones.

    Args:
        target: (subjects,) True in the target arm, False in the arm it is compared with.
        strata: (subjects,) stratum of the randomisation; None for a single one.
        max_exact: the largest number of relabellings that is listed in full.
        draws: random relabellings beside the true one when there are more.
        rng: source of the random relabellings; needed only then.

    Returns:
        Labels (subjects, draws), 1 in the target arm, the true ones first.

    Raises:
        ValueError: strata of another length, or random draws are needed and there is no generator.
    """
    target = np.asarray(target, dtype=bool)
    return label_relabellings(target, strata, max_exact=max_exact, draws=draws, rng=rng)


def label_relabellings(
    labels: np.ndarray,
    strata: np.ndarray | None = None,
    *,
    max_exact: int = 20_000,
    draws: int = 9_999,
    rng: np.random.Generator | None = None,
) -> Rearrangements:
    """As `arm_relabellings`, for labels (subjects,) that are any numbers: each stratum keeps its own, redistributed."""
    labels = np.asarray(labels)
    members = stratum_members(labels, strata)
    counts = [_count_arrangements(labels[rows]) for rows in members]
    total = math.prod(counts)
    if total <= max_exact:
        return Rearrangements(_all_labels(labels, members, counts), complete=True, mirrored=False)
    if rng is None:
        raise ValueError(f"{total} relabellings are more than max_exact = {max_exact}: random ones need a generator")
    drawn = np.empty((len(labels), draws + 1))
    drawn[:, 0] = labels
    for rows in members:
        drawn[rows, 1:] = rng.permuted(np.tile(labels[rows], (draws, 1)), axis=1).T
    return Rearrangements(drawn, complete=False, mirrored=False)


def relabelling_orbit(
    scores: np.ndarray, target: np.ndarray, relabellings: Rearrangements, strata: np.ndarray | None = None
) -> LinearOrbit:
    """S_j = Σ_i (a_i − ā) u_ij / √(permutation variance) of every feature under every relabelling.

    Scores are centred among the observed subjects of their stratum and a missing score becomes 0, which is that centre;
    labels then move over all subjects of the stratum. With z the centred scores, Σ (a_i − ā) z_i = Σ a_i z_i and the
    variance is Σ_strata n₁n₀ / (n(n − 1)) Σ z². Neither z nor the variance depends on the labels, so the test stays
    exact with missing scores, as long as the arm did not decide who is missing.

    Args:
        scores: (subjects, features) scores u of the null model (`null_scores`); NaN where missing.
        target: (subjects,) True in the target arm.
        relabellings: the relabellings of these subjects.
        strata: (subjects,) stratum of the randomisation; the same as for the relabellings.

    Returns:
        The orbit, for `max_t`, `global_test` and `two_sided_p`.

    Raises:
        ValueError: shapes that do not fit together.
    """
    return label_orbit(scores, np.asarray(target, dtype=bool), relabellings, strata)


def label_orbit(
    scores: np.ndarray, labels: np.ndarray, relabellings: Rearrangements, strata: np.ndarray | None = None
) -> LinearOrbit:
    """As `relabelling_orbit`, for numbers x as labels: S_j = Σ_i (x_i − x̄) u_ij / √(permutation variance).

    The variance is Σ_strata Σ(x − x̄)² Σz² / (n − 1). Ties are judged on labels between 0 and 1: `labels` (subjects,)
    have that size, and are those the relabellings were made of.
    """
    scores, labels = np.asarray(scores, dtype=float), np.asarray(labels, dtype=float)
    if scores.ndim != 2 or len(scores) != len(labels) or len(relabellings.weights) != len(labels):
        raise ValueError(
            f"scores {scores.shape} and relabellings {relabellings.weights.shape} of {len(labels)} subjects"
        )
    if np.isinf(scores).any():
        raise ValueError("a score is infinite: a value was divided by 0 or is the logarithm of 0")
    # Features as contiguous rows: a sum then has the same bits whatever else is in the matrix.
    rows = np.ascontiguousarray(scores.T)
    # Scaling by the largest score first keeps the squares from under- or overflowing.
    largest = np.nanmax(np.abs(rows), axis=1, keepdims=True, initial=0.0)
    scaled = rows / np.where(largest > 0, largest, 1.0)
    centred = np.zeros_like(scaled)
    variance = np.zeros((len(scaled), 1))
    for members in stratum_members(labels, strata):
        spread = label_variance(labels[members])
        if spread > 0:
            own = centre_labels(np.ascontiguousarray(scaled[:, members]))
            centred[:, members] = own
            variance += spread * (own**2).sum(axis=1, keepdims=True)
    deviation = np.sqrt(variance)
    return LinearOrbit(relabellings, centred / np.where(deviation > 0, deviation, 1.0))


def relabelling_test(
    scores: np.ndarray,
    target: np.ndarray,
    relabellings: Rearrangements,
    strata: np.ndarray | None = None,
    *,
    batch: int = DRAWS_PER_BATCH,
) -> ExactTest:
    """Exact two-sided test of no arm effect under the randomisation that was done, each feature on its own.

    It tests that the arm changed nobody's score, not equality of means. Not for arms that were not randomised.
    Reference: Rosenbaum (2002), Statistical Science 17:286 (covariance adjustment in randomised experiments).

    Args:
        scores: (subjects, features) scores of the null model; NaN where missing.
        target: (subjects,) True in the target arm.
        relabellings: the relabellings of these subjects, shared by all features.
        strata: (subjects,) stratum of the randomisation.
        batch: draws per block; the result does not depend on it.

    Returns:
        Statistic, p-value, informative subjects, smallest attainable p-value and note of each feature.
    """
    return label_test(relabelling_orbit(scores, target, relabellings, strata), UNDEFINED_NOTE, batch=batch)


def label_test(orbit: LinearOrbit, undefined: str, *, batch: int = DRAWS_PER_BATCH) -> ExactTest:
    """The two-sided test of each feature on its own from an orbit of labels; `undefined` is the note without S."""
    defined = orbit.defined
    return ExactTest(
        statistic=np.where(defined, orbit.observed(), np.nan),
        p_value=two_sided_p(orbit, batch=batch),
        n_informative=np.count_nonzero(2 * np.abs(orbit.scores) > orbit.tolerance[:, None], axis=1),
        smallest_p=smallest_two_sided_p(orbit, batch=batch),
        note=tuple("" if there else undefined for there in defined),
    )


def stratum_members(labels: np.ndarray, strata: np.ndarray | None) -> list[np.ndarray]:
    """Row numbers of each stratum, in the order of the stratum names."""
    if strata is None:
        return [np.arange(len(labels))]
    strata = np.asarray(strata)
    if strata.shape != labels.shape:
        raise ValueError(f"strata of {strata.size} subjects, labels of {labels.size}")
    _, codes = np.unique(strata.astype(str), return_inverse=True)
    return [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]


def label_variance(labels: np.ndarray) -> float:
    """Σ(x − x̄)² / (n − 1) from the lowest label up, which is exact for labels 0 and 1; 0 where all are equal."""
    size, above = len(labels), labels - labels.min(initial=np.inf)
    return float(size * (above**2).sum() - above.sum() ** 2) / (size * (size - 1)) if above.any() else 0.0


def _count_arrangements(labels: np.ndarray) -> int:
    """In how many different orders these labels can stand: n! / Π n_level!."""
    _, counts = np.unique(labels, return_counts=True)
    return math.factorial(len(labels)) // math.prod(math.factorial(int(count)) for count in counts)


def _all_labels(labels: np.ndarray, members: list[np.ndarray], counts: list[int]) -> np.ndarray:
    """Every relabelling as a column, the true one first."""
    every = np.zeros((len(labels), math.prod(counts)))
    index = np.indices(counts).reshape(len(counts), -1)
    for rows, chosen, ways in zip(members, index, counts, strict=True):
        levels, sizes = np.unique(labels[rows], return_counts=True)
        stratum = np.empty((len(rows), ways))
        # The highest level takes its places first: for arms that is the target arm.
        for way, places in enumerate(_places(tuple(range(len(rows))), sizes[::-1].tolist())):
            for level, taken in zip(levels[::-1], places, strict=True):
                stratum[list(taken), way] = level
        every[rows] = stratum[:, chosen]
    true = int(np.flatnonzero((every == labels[:, None]).all(axis=0))[0])
    every[:, [0, true]] = every[:, [true, 0]]
    return every


def _places(free: tuple[int, ...], sizes: list[int]) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Every way to give groups of these sizes places of their own among the free ones."""
    if not sizes:
        yield ()
        return
    for taken in combinations(free, sizes[0]):
        left = tuple(place for place in free if place not in taken)
        for others in _places(left, sizes[1:]):
            yield (taken, *others)


def centre_labels(scores: np.ndarray) -> np.ndarray:
    """(features, subjects) scores less their mean over the observed subjects.

    0 where missing, and where a feature's scores differ by rounding alone.
    """
    present = ~np.isnan(scores)
    values = np.where(present, scores, 0.0)
    mean = values.sum(axis=1, keepdims=True) / np.maximum(present.sum(axis=1, keepdims=True), 1)
    centred = np.where(present, values - mean, 0.0)
    rounding = 1e-12 * np.abs(values).max(axis=1, keepdims=True, initial=0.0)
    return np.where(np.abs(centred).max(axis=1, keepdims=True, initial=0.0) > rounding, centred, 0.0)
