"""Scores of subjects known between limits, and the relabelling test that rests on them."""

import numpy as np
import pytest
from scipy import stats

from cytoshift.shift.censoring.interval_scores import interval_scores
from cytoshift.shift.exact.max_t import max_t
from cytoshift.shift.exact.null_model import null_scores
from cytoshift.shift.exact.relabelling import arm_relabellings, relabelling_orbit, relabelling_test

INF, NAN = np.inf, np.nan


def draw(n: int, features: int, share: float, seed: int, differ: float = 0.4) -> tuple[np.ndarray, np.ndarray]:
    """Values below limits that differ between subjects, a few above one, a few missing."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, features))
    limit = np.quantile(values, share, axis=0) + differ * rng.normal(size=values.shape) if share else -INF
    low, high = np.where(values < limit, -INF, values), np.maximum(values, limit)
    if share:
        above = rng.random(values.shape) < 0.05
        low, high = np.where(above, values - 0.1, low), np.where(above, INF, high)
        gone = rng.random(values.shape) < 0.05
        low, high = np.where(gone, NAN, low), np.where(gone, NAN, high)
    return low, high


def test_without_non_detects_they_are_the_residuals_over_their_mean_square() -> None:
    rng = np.random.default_rng(1)
    values, age = rng.normal(4, 2, size=(11, 6)), rng.normal(size=(11, 1))
    values[3, 2] = NAN
    residuals = null_scores(values, age)
    expected = residuals / np.nanmean(residuals**2, axis=0)
    np.testing.assert_array_equal(np.isnan(interval_scores(values, values, age)), np.isnan(values))
    np.testing.assert_allclose(interval_scores(values, values, age), expected, rtol=1e-13)
    # The likelihood of values known to a millionth says the same.
    np.testing.assert_allclose(interval_scores(values - 5e-7, values + 5e-7, age), expected, rtol=1e-6, atol=1e-8)
    # Its own baseline for every feature.
    own = rng.normal(size=(6, 11, 1))
    residuals = null_scores(values, own)
    np.testing.assert_allclose(interval_scores(values, values, own) * np.nanmean(residuals**2, axis=0), residuals)


def test_a_score_is_the_slope_of_the_log_likelihood_in_the_mean() -> None:
    low, high = draw(30, 5, 0.3, seed=2)
    scores = interval_scores(low, high)
    # Mean and spread of the fit, from two subjects known exactly: u = (y − μ)/σ².
    for feature in range(5):
        known = np.flatnonzero(low[:, feature] == high[:, feature])[:2]
        y, u = low[known, feature], scores[known, feature]
        variance = (y[1] - y[0]) / (u[1] - u[0])
        mean, sd = y[0] - u[0] * variance, np.sqrt(variance)
        for subject in np.flatnonzero(~np.isnan(low[:, feature])):
            ends = low[subject, feature], high[subject, feature]
            if ends[0] == ends[1]:
                expected = (ends[0] - mean) / variance
            else:
                at = stats.norm.pdf(ends, mean, sd)
                expected = (at[0] - at[1]) / np.diff(stats.norm.cdf(ends, mean, sd))[0]
            assert scores[subject, feature] == pytest.approx(expected, rel=1e-9, abs=1e-10)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6])
def test_scores_are_orthogonal_to_the_model_and_move_with_their_subjects(share: float) -> None:
    low, high = draw(20, 40, share, seed=3)
    age = np.random.default_rng(4).normal(size=(20, 1))
    scores = interval_scores(low, high, age)
    present = ~np.isnan(low)
    np.testing.assert_array_equal(~np.isnan(scores), present)
    np.testing.assert_allclose(np.nansum(scores, axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(np.nansum(scores * age, axis=0), 0, atol=1e-9)
    order = np.random.default_rng(5).permutation(20)
    moved = interval_scores(low[order], high[order], age[order])
    np.testing.assert_allclose(moved, scores[order], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(interval_scores(-high, -low, age), -scores, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(interval_scores(2 * low + 3, 2 * high + 3, age), scores / 2, rtol=1e-7, atol=1e-9)


def test_scores_of_a_feature_do_not_depend_on_the_others() -> None:
    low, high = draw(13, 30, 0.4, seed=6)
    age = np.random.default_rng(7).normal(size=(13, 2))
    whole = interval_scores(low, high, age)
    for feature in (0, 17):
        alone = interval_scores(low[:, [feature]], high[:, [feature]], age)
        np.testing.assert_array_equal(whole[:, feature], alone[:, 0])


STRATA = np.array(["a"] * 4 + ["b"] * 4)
TARGET = np.array([1, 1, 0, 0, 0, 1, 1, 0], dtype=bool)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6])
def test_orbit(share: float) -> None:
    low, high = draw(8, 12, share, seed=8)
    columns = (STRATA == "b").astype(float)[:, None]
    alone, family = [], []
    for labels in arm_relabellings(TARGET, STRATA).weights.T:
        scores = interval_scores(low, high, columns)
        own = arm_relabellings(labels == 1, STRATA)
        alone.append(relabelling_test(scores, labels == 1, own, STRATA).p_value)
        family.append(max_t(relabelling_orbit(scores, labels == 1, own, STRATA)).step_down.min())
    size = len(alone)
    assert size == 6 * 6
    for p_values in (*np.array(alone).T, np.array(family)):
        reached = np.sort(np.rint(p_values * size))
        assert (np.searchsorted(reached, np.arange(size + 1), side="right") <= np.arange(size + 1)).all()
    # The scores are not all 0, so that the test has something to say.
    assert (np.array(alone).min(axis=0) < 0.2).mean() > 0.5


def test_relabelling_reaches_its_attainable_size_and_no_more() -> None:
    low, high = draw(10, 2000, 0.4, seed=9)
    target = np.arange(10) < 5
    p_value = relabelling_test(interval_scores(low, high), target, arm_relabellings(target)).p_value
    size = np.mean(p_value <= 0.05)
    assert 0.02 < size < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)


SAYS_NOTHING = {
    "every value below its limit": [(-INF, 2), (-INF, 3), (-INF, 2.5), (-INF, 2)],
    "every value above": [(2, INF), (3, INF), (2.5, INF), (2, INF)],
    "equal values": [(2, 2)] * 4,
    "equal values, the rest can be so": [(2, 2), (2, 2), (-INF, 3), (-INF, 4)],
    "one interval": [(1, 2)] * 4,
}


@pytest.mark.parametrize("name", SAYS_NOTHING)
def test_where_nobody_differs_there_are_no_scores(name: str) -> None:
    low, high = np.array(SAYS_NOTHING[name], dtype=float).T[:, :, None]
    np.testing.assert_array_equal(interval_scores(low, high), np.zeros((4, 1)))
