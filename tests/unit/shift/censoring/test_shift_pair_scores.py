"""Scores of pairs with non-detects: exact under swaps, the classical test without censoring."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cytoshift.shift.censoring.censored_pairs import fit_without_shift
from cytoshift.shift.censoring.pair_bounds import PairBounds, pair_bounds
from cytoshift.shift.censoring.pair_data import pair_data
from cytoshift.shift.censoring.pair_scores import NO_SCORE, censored_t, pair_scores
from cytoshift.shift.exact.flips import sign_flip_orbit, sign_flip_test, sign_flips
from cytoshift.shift.exact.global_test import global_test
from cytoshift.shift.exact.max_t import max_t
from pair_draws import draw_pairs, known_pairs

# 0, 30 and 60 % non-detects, limits that differ within pairs, both ends, bands.
ORBITS = {
    "no non-detects": {"below": 0.0},
    "30 %": {"below": 0.3},
    "30 %, limits differ": {"below": 0.3, "differ": 0.5},
    "60 %": {"below": 0.6},
    "60 %, limits differ": {"below": 0.6, "differ": 0.5},
    "both ends and bands": {"below": 0.2, "above": 0.2, "bands": 0.3, "differ": 0.3},
}


def every_swap(n: int) -> np.ndarray:
    """(n, 2^n) which pairs are swapped."""
    return np.array(list(itertools.product([False, True], repeat=n))).T


def on_every_swap(bounds: PairBounds) -> PairBounds:
    """All 2^n swaps of one analyte's pairs, side by side."""
    swaps = every_swap(len(bounds.present))
    return bounds.take(np.zeros(swaps.shape[1], dtype=int)).swap(swaps)


def assert_exact(p_values: np.ndarray) -> None:
    """No level k/N is exceeded by more than k of the N equally likely data sets."""
    size = len(p_values)
    reached = np.sort(np.rint(p_values * size))
    assert (np.searchsorted(reached, np.arange(size + 1), side="right") <= np.arange(size + 1)).all()


@pytest.mark.parametrize("name", ORBITS)
@pytest.mark.parametrize("n", [5, 8])
def test_orbit(name: str, n: int) -> None:
    for seed in range(3):
        bounds = draw_pairs(n, 1, **ORBITS[name], shift=0.5, seed=seed)
        p_values = sign_flip_test(pair_scores(on_every_swap(bounds)), sign_flips(n)).p_value
        assert_exact(p_values)
        assert p_values.min() < 1


def test_orbit_of_a_family_and_of_the_global_test() -> None:
    bounds, n = draw_pairs(6, 4, below=0.4, differ=0.4, shift=0.8, seed=4), 6
    flips = sign_flips(n)
    family, together = [], []
    for swap in every_swap(n).T:
        orbit = sign_flip_orbit(pair_scores(bounds.swap(swap)), flips)
        family.append(max_t(orbit).step_down.min())
        together.append(global_test(orbit, np.ones(4)).p_value)
    assert_exact(np.array(family))
    assert_exact(np.array(together))


@settings(max_examples=15, deadline=None)
@given(st.integers(3, 9), st.integers(0, 10_000), st.sampled_from(sorted(ORBITS)), st.integers(0, 511))
def test_swapping_a_pair_turns_its_score_and_nothing_else(n: int, seed: int, name: str, pattern: int) -> None:
    bounds = draw_pairs(n, 3, **ORBITS[name], seed=seed)
    swap = (pattern >> np.arange(n)) & 1 == 1
    for recensor in (True, False):
        scores = pair_scores(bounds, recensor=recensor)
        turned = pair_scores(bounds.swap(swap), recensor=recensor)
        np.testing.assert_array_equal(np.where(swap[:, None], -scores, scores), turned)


@settings(max_examples=20, deadline=None)
@given(st.integers(4, 9), st.integers(0, 10_000), st.integers(0, 511))
def test_the_fit_without_a_shift_is_blind_to_swaps(n: int, seed: int, pattern: int) -> None:
    # Here without the sorting of members that makes it so to the last bit: the model itself is symmetric.
    bounds = draw_pairs(n, 3, below=0.4, differ=0.3, seed=seed)
    swap = (pattern >> np.arange(n)) & 1 == 1
    fit, turned = (fit_without_shift(pair_data(these)) for these in (bounds, bounds.swap(swap)))
    sound = fit.settled & ~fit.held.any(axis=1)
    np.testing.assert_allclose(fit.log_likelihood[sound], turned.log_likelihood[sound], atol=1e-10)
    np.testing.assert_allclose(fit.parameters[sound], turned.parameters[sound], atol=1e-7)


def test_without_non_detects_scores_are_the_changes_and_the_t_is_the_paired_t() -> None:
    rng = np.random.default_rng(5)
    x = 2 * rng.normal(size=(9, 6))
    y = x + 0.4 + rng.normal(size=x.shape)
    x[2, 3] = np.nan
    bounds = known_pairs(x, y)
    scores = pair_scores(bounds)
    assert np.isnan(scores[2, 3])
    ratio = scores / (y - x)
    np.testing.assert_allclose(np.nanstd(ratio, axis=0) / np.nanmean(ratio, axis=0), 0, atol=1e-12)
    found = censored_t(scores, bounds)
    expected = stats.ttest_1samp(y - x, 0, nan_policy="omit")
    np.testing.assert_allclose(found.statistic, expected.statistic, rtol=1e-10)
    np.testing.assert_allclose(found.p_value, expected.pvalue, rtol=1e-9)
    assert found.df.tolist() == [8, 8, 8, 7, 8, 8]


def test_a_score_is_the_slope_of_the_likelihood() -> None:
    # One known pair, one half known, one unknown, at the parameters of the null fit of all.
    bounds = draw_pairs(8, 1, below=0.35, differ=0.4, seed=3)
    scores = pair_scores(bounds, recensor=False)[:, 0]
    assert scores.sum() == pytest.approx(_total_slope(bounds), rel=1e-6)


def _total_slope(bounds: PairBounds) -> float:
    """Derivative by δ of the whole log-likelihood at the fit without a shift, in units of the values."""
    data = pair_data(bounds)
    return float(fit_without_shift(data).gradient[0, 1] / data.scale[0])


def test_scores_order_pairs_as_a_reader_would() -> None:
    inf = np.inf
    # Risen by 3; risen from below 1 to 4; below 1 at both; fallen by 1; the same twice; risen from below 1 to 2.
    lower_1, upper_1 = np.array([2, -inf, -inf, 3, 3, -inf, 5.0, 4]), np.array([2, 1, 1, 3, 3, 1, 5.0, 4])
    lower_2, upper_2 = np.array([5, 4, -inf, 2, 3, 2, 5.5, 3.2]), np.array([5, 4, 1, 2, 3, 2, 5.5, 3.2])
    scores = pair_scores(pair_bounds(*(part[:, None] for part in (lower_1, upper_1, lower_2, upper_2))))[:, 0]
    assert scores[2] == scores[4] == 0
    assert (scores[[0, 1, 5, 6]] > 0).all()
    assert (scores[[3, 7]] < 0).all()
    assert scores[1] > scores[5]


def test_nothing_to_score_is_said() -> None:
    inf = np.inf
    lower, upper = np.full((6, 1), -inf), np.full((6, 1), 2.0)
    below = pair_bounds(lower, upper, lower, upper)
    scores = pair_scores(below)
    assert (scores == 0).all()
    rising = np.arange(6.0)[:, None]
    nothing, known = pair_bounds(*(np.full((6, 1), np.nan) for _ in range(4))), known_pairs(rising, rising + 1)
    found = [
        censored_t(*case) for case in ((scores, below), (np.full((6, 1), np.nan), nothing), (np.ones((6, 1)), known))
    ]
    assert np.isnan([one.p_value[0] for one in found]).all()
    notes = [one.note[0] for one in found]
    assert notes == [NO_SCORE, "2 pairs needed, 0 found", "all scores are equal: no p-value"]


def test_a_pair_below_one_limit_twice_counts_as_half_a_pair_in_the_t() -> None:
    inf = np.inf
    # Three rose, one fell, the same value twice; then below 2 twice; below 2, then below 3; below 2, then 2.5.
    # The last two are judged by the larger limit only where that one is what hides the partner: (below 3, 2.5).
    lower_1, upper_1 = np.array([3, 4, 5, 6, 7, -inf, -inf, -inf]), np.array([3, 4, 5, 6, 7, 2, 2, 3.0])
    lower_2, upper_2 = np.array([4, 6, 5.5, 5, 7, -inf, -inf, 2.5]), np.array([4, 6, 5.5, 5, 7, 2, 3, 2.5])
    bounds = pair_bounds(*(part[:, None] for part in (lower_1, upper_1, lower_2, upper_2)))
    scores = pair_scores(bounds)
    assert np.count_nonzero(scores) == 4
    found = censored_t(scores, bounds)
    # Five known pairs, the unchanged one among them, and three of which only "below" is known.
    n, s = 6.5, scores.sum() / np.sqrt((scores**2).sum())
    assert found.df.tolist() == [n - 1]
    assert found.statistic[0] == pytest.approx(s * np.sqrt((n - 1) / (n - s**2)), rel=1e-12)
    # A pair below its limit before and above the range after is a change, and counts in full.
    rose = pair_bounds(*(np.vstack([part, [[end]]]) for part, end in zip(
        (lower_1[:, None], upper_1[:, None], lower_2[:, None], upper_2[:, None]), (-inf, 2.0, 9.0, inf), strict=True
    )))  # fmt: skip
    assert censored_t(pair_scores(rose), rose).df.tolist() == [n]


def test_limits_that_differ_alone_are_no_change() -> None:
    # The second visit's plate could see less far down; every value under its limit of 3 is judged by that.
    rng = np.random.default_rng(1)
    x = rng.uniform(1, 2.9, size=(8, 1))
    scores = pair_scores(pair_bounds(x, x, np.full((8, 1), -np.inf), np.full((8, 1), 3.0)))
    assert (scores == 0).all()
    assert (pair_scores(pair_bounds(x, x, np.full((8, 1), -np.inf), np.full((8, 1), 3.0)), recensor=False) != 0).any()
