"""Did a feature move between two visits of the same subjects, whatever the shape of its distribution?

If nothing happened, each pair's score was as likely to come out with the other sign. The test counts how many of the
sign patterns give a statistic as extreme as the one seen. Scores are the changes themselves, or any score that changes
sign exactly when the pair is swapped; NaN or 0 means that the pair says nothing about that feature.
"""

import hashlib

import numpy as np

from cytoshift.shift.exact.rearrangements import (
    DRAWS_PER_BATCH,
    TIE_TOLERANCE,
    ExactTest,
    LinearOrbit,
    Rearrangements,
    spans,
    two_sided_p,
)

FEATURES_PER_INTERVAL_BLOCK = 16
UNDEFINED_NOTE = "every informative pair is unchanged or missing: no statistic, p-value 1"


def contrast_rng(seed: int, contrast_id: str) -> np.random.Generator:
    """The random generator of one contrast: the same on every machine and whatever else is computed.

    Args:
        seed: the plan's seed, ≥ 0.
        contrast_id: the contrast's id in the plan.

    Returns:
        A PCG64 generator seeded from the seed and the SHA-256 of the id.
    """
    digest = hashlib.sha256(contrast_id.encode("utf-8")).digest()
    words = np.frombuffer(digest, dtype=">u4").tolist()
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words])))


def sign_flips(
    n: int, *, max_exact: int = 16, draws: int = 9_999, rng: np.random.Generator | None = None
) -> Rearrangements:
    """The sign patterns of n pairs: all of them when n ≤ max_exact, otherwise random ones with the identity first.

    Args:
        n: pairs in the contrast, ≥ 1.
        max_exact: the largest n for which all 2^n patterns are listed (as 2^(n−1) and their mirror images).
        draws: random patterns beside the identity when n is larger.
        rng: source of the random patterns; needed only then.

    Returns:
        Signs (n, draws), the identity first.

    Raises:
        ValueError: n < 1, or random patterns are needed and there is no generator.
    """
    if n < 1:
        raise ValueError("sign flips need at least one pair")
    if n <= max_exact:
        patterns = np.arange(2 ** (n - 1))
        signs = np.ones((n, len(patterns)))
        signs[1:] -= 2.0 * ((patterns >> np.arange(n - 1)[:, None]) & 1)
        return Rearrangements(signs, complete=True, mirrored=True)
    if rng is None:
        raise ValueError(f"{n} pairs are more than max_exact = {max_exact}: random sign flips need a generator")
    signs = np.ones((n, draws + 1))
    signs[:, 1:] -= 2.0 * rng.integers(0, 2, size=(draws, n)).T
    return Rearrangements(signs, complete=False, mirrored=False)


def sign_flip_orbit(scores: np.ndarray, flips: Rearrangements) -> LinearOrbit:
    """S_j = Σ u_ij / √Σ u_ij² of every feature under every sign pattern.

    The denominator does not change under flips; it puts features with different numbers of pairs on one scale.

    Args:
        scores: (subjects, features) scores u; NaN or 0 where the pair is not informative.
        flips: the sign patterns of these subjects.

    Returns:
        The orbit, for `max_t`, `global_test` and `two_sided_p`.
    """
    # Features as contiguous rows: a sum then has the same bits whatever else is in the matrix.
    rows = np.ascontiguousarray(_as_scores(scores, flips).T)
    # Scaling by the largest score first keeps the squares from under- or overflowing.
    largest = np.abs(rows).max(axis=1, keepdims=True, initial=0.0)
    scaled = rows / np.where(largest > 0, largest, 1.0)
    length = np.sqrt((scaled**2).sum(axis=1, keepdims=True))
    return LinearOrbit(flips, scaled / np.where(length > 0, length, 1.0))


def sign_flip_statistics(scores: np.ndarray) -> np.ndarray:
    """S_j = Σ u_ij / √Σ u_ij²; with m informative pairs, t = S·√((m − 1)/(m − S²)) is the paired t statistic.

    Args:
        scores: (subjects, features) scores u; NaN or 0 where the pair is not informative.

    Returns:
        (features,) statistics; NaN where every score is 0 or missing.
    """
    scores = _as_scores(scores)
    identity = Rearrangements(np.ones((len(scores), 1)), complete=False, mirrored=False)
    orbit = sign_flip_orbit(scores, identity)
    return np.where(orbit.defined, orbit.observed(), np.nan)


def count_informative(scores: np.ndarray) -> np.ndarray:
    """Pairs whose sign matters, for each feature: a score so small that flipping it leaves a tie does not.

    Args:
        scores: (subjects, features) scores u.

    Returns:
        (features,) integer counts m.
    """
    size = np.abs(_as_scores(scores))
    return np.count_nonzero(2 * size > TIE_TOLERANCE * size.sum(axis=0), axis=0)


def smallest_sign_flip_p(n_informative: np.ndarray, flips: Rearrangements) -> np.ndarray:
    """The smallest two-sided p-value m informative pairs can give: 2^(1−m), and never below one draw's share.

    Args:
        n_informative: (features,) m.
        flips: the sign patterns used; a random set cannot go below 1/(B + 1).

    Returns:
        (features,) smallest attainable p-values, at most 1.
    """
    floor = 0.0 if flips.complete else 1.0 / flips.draws
    return np.clip(2.0 ** (1 - np.asarray(n_informative, dtype=float)), floor, 1.0)


def sign_flip_test(scores: np.ndarray, flips: Rearrangements, *, batch: int = DRAWS_PER_BATCH) -> ExactTest:
    """Exact two-sided test that a pair's score was as likely to come out with the other sign, each feature on its own.

    It tests exchangeability of the two visits, not equality of means. Not for subjects measured once, nor for arms.
    Reference: Fisher (1935), The Design of Experiments, §21; Pesarin & Salmaso (2010).

    Args:
        scores: (subjects, features) scores u; NaN or 0 where the pair is not informative.
        flips: the sign patterns of these subjects, shared by all features.
        batch: draws per block; the result does not depend on it.

    Returns:
        Statistic, p-value, informative pairs, smallest attainable p-value and note of each feature.
    """
    orbit = sign_flip_orbit(scores, flips)
    informative = count_informative(scores)
    return ExactTest(
        statistic=np.where(orbit.defined, orbit.observed(), np.nan),
        p_value=two_sided_p(orbit, batch=batch),
        n_informative=informative,
        smallest_p=smallest_sign_flip_p(informative, flips),
        note=tuple("" if there else UNDEFINED_NOTE for there in orbit.defined),
    )


def sign_flip_interval(
    changes: np.ndarray, flips: Rearrangements, *, alpha: float = 0.05
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of the change that holds every δ not rejected at alpha by the sign-flip test of (change − δ).

    A pattern that splits the pairs into two groups is at least as extreme as the identity exactly when δ lies between
    the two group means, ends included. So p(δ) = (patterns that leave one group empty + patterns whose means enclose
    δ) / patterns, and, as every such range holds the overall mean, the limits are order statistics of the range ends.
    The interval and `sign_flip_test` with the same flips always agree about 0. For scores that are plain changes only.
    Reference: Hartigan (1969), Using subsample values as typical values; Tritchler (1984).

    Args:
        changes: (subjects, features) target − reference; NaN where there is no pair.
        flips: the sign patterns of these subjects.
        alpha: 1 − confidence level.

    Returns:
        Lower and upper limits (features,): infinite where the pairs are too few to reject at alpha, NaN without pairs.
    """
    missing = np.isnan(np.asarray(changes, dtype=float))
    changes = np.where(missing, np.nan, _as_scores(changes, flips))
    if not 0 < alpha < 1:
        raise ValueError(f"alpha lies between 0 and 1, got {alpha}")
    low = np.full(changes.shape[1], np.nan)
    high = np.full(changes.shape[1], np.nan)
    kept = (flips.weights > 0).astype(float)
    for features in spans(changes.shape[1], FEATURES_PER_INTERVAL_BLOCK):
        low[features], high[features] = _interval_block(changes[:, features].T, kept, alpha)
    return low, high


def _interval_block(changes: np.ndarray, kept: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Limits of a few features (rows); `kept` is (subjects, draws), 1 where the pattern keeps the sign."""
    present = np.isfinite(changes)
    values = np.where(present, changes, 0.0)
    tie = TIE_TOLERANCE / 2 * np.abs(values).sum(axis=1, keepdims=True)
    sums = values @ kept
    sizes = present.astype(float) @ kept
    total, size = values.sum(axis=1, keepdims=True), present.sum(axis=1, keepdims=True)
    # A pattern that leaves a group empty is as extreme as the identity for every δ.
    empty = (sizes == 0) | (sizes == size)
    upper_ends = _group_means(total - sums, size - sizes, tie)
    lower_ends = _group_means(sums, sizes, tie)
    lower_ends, upper_ends = np.minimum(lower_ends, upper_ends), np.maximum(lower_ends, upper_ends)
    np.putmask(lower_ends, empty, -np.inf)
    np.putmask(upper_ends, empty, np.inf)
    draws = kept.shape[1]
    # δ is accepted when more than alpha·draws patterns reach it; the tiny term guards products such as 0.05 × 20.
    rank = int(np.floor(alpha * draws * (1 + 1e-12)))
    lower_ends.partition(rank, axis=1)
    upper_ends.partition(draws - 1 - rank, axis=1)
    some = present.any(axis=1)
    return np.where(some, lower_ends[:, rank], np.nan), np.where(some, upper_ends[:, draws - 1 - rank], np.nan)


def _group_means(sums: np.ndarray, sizes: np.ndarray, tie: np.ndarray) -> np.ndarray:
    """Mean changes of groups (features, draws); 0 for a sum that is a tie with 0, as it is for the p-value."""
    np.putmask(sums, np.abs(sums) <= tie, 0.0)
    return np.asarray(sums / np.maximum(sizes, 1.0))


def _as_scores(scores: np.ndarray, flips: Rearrangements | None = None) -> np.ndarray:
    """Scores as floats, with 0 where a pair is missing; of the same subjects as the flips."""
    scores = np.asarray(scores, dtype=float)
    if scores.ndim != 2:
        raise ValueError(f"scores have the shape (subjects, features), got {scores.ndim} dimension(s)")
    if flips is not None and len(scores) != len(flips.weights):
        raise ValueError(f"scores of {len(scores)} subjects, sign flips of {len(flips.weights)}")
    if np.isinf(scores).any():
        raise ValueError("a score is infinite: a value was divided by 0 or is the logarithm of 0")
    return np.where(np.isnan(scores), 0.0, scores)
