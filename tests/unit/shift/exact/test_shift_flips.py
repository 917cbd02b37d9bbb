"""Sign flips of pairs: exact, seeded, and in agreement with their own interval."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from cytoshift.shift.exact.flips import (
    contrast_rng,
    count_informative,
    sign_flip_interval,
    sign_flip_statistics,
    sign_flip_test,
    sign_flips,
    smallest_sign_flip_p,
)

ORBITS = {
    "ties": [1, 1, -1, 2, 2, 3],
    "zeros": [0, 0, 1.5, -2, 3, 4, 1],
    "equal": [1, 1, 1, 1, 1],
    "tenths": [0.1, 0.2, 0.3, 0.3, 0.7, -0.1, 0.6],
    "missing": [np.nan, 1.2, 0.4, -0.4, 2.0, 0.8],
    "continuous": [0.31, -1.7, 2.4, 0.9, 1.1, 0.2, -0.6, 3.3],
    "outlier": [1e-3, 2e-3, 1e6, 1e-3, -2e-3],
}


def every_swap(scores: np.ndarray) -> np.ndarray:
    """(subjects, 2^n) the scores under each of the 2^n swaps."""
    n = len(scores)
    signs = np.array(np.meshgrid(*[[1.0, -1.0]] * n)).reshape(n, -1)
    return scores[:, None] * signs


def assert_exact(p_values: np.ndarray) -> None:
    """No level k/N is exceeded by more than k of the N equally likely data sets."""
    size = len(p_values)
    reached = np.sort(np.rint(p_values * size))
    np.testing.assert_allclose(p_values * size, np.rint(p_values * size), atol=1e-9)
    assert (np.searchsorted(reached, np.arange(size + 1), side="right") <= np.arange(size + 1)).all()


@pytest.mark.parametrize("name", ORBITS)
def test_orbit(name: str) -> None:
    scores = every_swap(np.array(ORBITS[name], dtype=float))
    assert_exact(sign_flip_test(scores, sign_flips(len(scores))).p_value)


@pytest.mark.parametrize("n", [6, 8, 12])
def test_simulated_size_is_the_attainable_one(n: int) -> None:
    scores = np.random.default_rng(n).standard_t(3, size=(n, 2000))
    attainable = np.floor(0.05 * 2 ** (n - 1)) / 2 ** (n - 1)
    size = np.mean(sign_flip_test(scores, sign_flips(n)).p_value <= 0.05)
    assert abs(size - attainable) <= 3 * np.sqrt(attainable * (1 - attainable) / 2000)


def test_all_patterns_up_to_sixteen_pairs_and_random_ones_beyond() -> None:
    small = sign_flips(5)
    assert small.weights.shape == (5, 16)
    assert small.complete
    both = np.concatenate([small.weights, -small.weights], axis=1)
    assert len(np.unique(both, axis=1).T) == 32
    assert (small.weights[:, 0] == 1).all()
    assert sign_flips(16).draws == 2**15
    large = sign_flips(17, draws=50, rng=contrast_rng(7, "week_16"))
    assert large.weights.shape == (17, 51)
    assert not large.complete
    assert (large.weights[:, 0] == 1).all()
    assert np.isin(large.weights, (-1, 1)).all()


def test_random_flips_are_the_same_in_every_process() -> None:
    code = (
        "from cytoshift.shift.exact.flips import contrast_rng as rng; print(rng(20261122, 'load.h1').integers(10**9))"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert seen == {str(contrast_rng(20261122, "load.h1").integers(10**9))}


def test_contrasts_and_seeds_get_their_own_draws() -> None:
    draws = {contrast_rng(seed, name).integers(10**9) for seed in (1, 2) for name in ("week_8", "week_16")}
    assert len(draws) == 4


def test_statistic_is_a_function_of_the_paired_t() -> None:
    changes = np.random.default_rng(3).normal(0.4, 1, size=(9, 5))
    s = sign_flip_statistics(changes)
    np.testing.assert_allclose(s * np.sqrt(8 / (9 - s**2)), stats.ttest_1samp(changes, 0).statistic, rtol=1e-12)


def test_p_agrees_with_scipy_where_nothing_ties() -> None:
    changes = np.random.default_rng(4).normal(0.5, 1, size=(10, 4))
    expected = [
        stats.permutation_test((x,), np.sum, permutation_type="samples", n_resamples=np.inf).pvalue for x in changes.T
    ]
    np.testing.assert_allclose(sign_flip_test(changes, sign_flips(10)).p_value, expected, rtol=1e-12)


def test_scale_of_the_scores_does_not_matter() -> None:
    scores = np.array([0.1, 0.2, 0.3, -0.3, 0.7, 0.1])[:, None] * np.array([1e-200, 1.0, 1e200])
    test = sign_flip_test(scores, sign_flips(6))
    np.testing.assert_allclose(test.statistic, test.statistic[1], rtol=1e-12)
    assert len(set(test.p_value.tolist())) == 1


def test_features_with_nothing_to_test_get_a_note_and_p_one() -> None:
    scores = np.column_stack([np.zeros(6), np.full(6, np.nan), [0, 0, 0, 0, 2, np.nan], np.ones(6)])
    test = sign_flip_test(scores, sign_flips(6))
    assert np.isnan(test.statistic).tolist() == [True, True, False, False]
    assert test.p_value.tolist() == [1, 1, 1, 2**-5]
    assert test.n_informative.tolist() == [0, 0, 1, 6]
    assert test.smallest_p.tolist() == [1, 1, 1, 2**-5]
    assert [bool(note) for note in test.note] == [True, True, False, False]


def test_two_pairs_are_tested_but_cannot_reject() -> None:
    test = sign_flip_test(np.array([[1.0], [2.0]]), sign_flips(2))
    assert test.p_value.tolist() == [0.5]
    assert test.smallest_p.tolist() == [0.5]
    low, high = sign_flip_interval(np.array([[1.0], [2.0]]), sign_flips(2))
    assert (low[0], high[0]) == (-np.inf, np.inf)


def test_smallest_p_of_random_flips_is_one_draw() -> None:
    flips = sign_flips(40, draws=999, rng=contrast_rng(1, "a"))
    np.testing.assert_array_equal(smallest_sign_flip_p(np.array([3, 40]), flips), [0.25, 0.001])


def test_a_score_lost_in_rounding_is_not_informative() -> None:
    assert count_informative(np.array([[1.0], [2.0], [1e-17], [np.nan], [0.0]])).tolist() == [2]


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_interval_leaves_out_zero_exactly_when_the_test_rejects(alpha: float) -> None:
    rng = np.random.default_rng(8)
    changes = np.round(rng.normal(0.6, 1, size=(8, 400)), 1)
    changes[rng.random(changes.shape) < 0.1] = np.nan
    flips = sign_flips(8)
    low, high = sign_flip_interval(changes, flips, alpha=alpha)
    rejected = sign_flip_test(changes, flips).p_value <= alpha
    assert 0 < rejected.sum() < 400
    np.testing.assert_array_equal((low > 0) | (high < 0), rejected)


def test_random_flips_and_their_interval_agree_too() -> None:
    changes = np.random.default_rng(9).normal(0.35, 1, size=(24, 200))
    flips = sign_flips(24, draws=1999, rng=contrast_rng(1, "a"))
    low, high = sign_flip_interval(changes, flips)
    np.testing.assert_array_equal((low > 0) | (high < 0), sign_flip_test(changes, flips).p_value <= 0.05)
    assert ((low < changes.mean(axis=0)) & (changes.mean(axis=0) < high)).all()


def test_interval_ends_are_where_the_p_value_crosses_alpha() -> None:
    changes = np.random.default_rng(10).normal(1, 1, size=(9, 20))
    flips = sign_flips(9)
    low, high = sign_flip_interval(changes, flips)
    for limit, outwards in ((low, -1e-6), (high, 1e-6)):
        assert (sign_flip_test(changes - limit, flips).p_value > 0.05).all()
        assert (sign_flip_test(changes - (limit - outwards), flips).p_value > 0.05).all()
        assert (sign_flip_test(changes - (limit + outwards), flips).p_value <= 0.05).all()


def test_interval_covers_at_its_level() -> None:
    changes = 0.7 + np.random.default_rng(11).normal(size=(8, 4000))
    low, high = sign_flip_interval(changes, sign_flips(8))
    coverage = np.mean((low <= 0.7) & (high >= 0.7))
    assert abs(coverage - (1 - 6 / 128)) <= 3 * np.sqrt(0.05 * 0.95 / 4000)


def test_no_pairs_no_interval() -> None:
    low, high = sign_flip_interval(np.full((6, 1), np.nan), sign_flips(6))
    assert np.isnan([low[0], high[0]]).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sign_flips(0), "at least one pair"),
        (lambda: sign_flips(20), "need a generator"),
        (lambda: sign_flip_test(np.ones((5, 1)), sign_flips(6)), "5 subjects"),
        (lambda: sign_flip_test(np.ones(5), sign_flips(5)), "shape"),
        (lambda: sign_flip_test(np.full((5, 1), np.inf), sign_flips(5)), "infinite"),
        (lambda: sign_flip_interval(np.full((5, 1), np.inf), sign_flips(5)), "infinite"),
        (lambda: sign_flip_interval(np.ones((5, 1)), sign_flips(6)), "5 subjects"),
        (lambda: sign_flip_interval(np.ones((5, 1)), sign_flips(5), alpha=1.5), "alpha"),
    ],
)
def test_input_that_cannot_be_tested_is_refused(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]
