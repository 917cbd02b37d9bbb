"""The interval of shifts that the exact test does not reject."""

import numpy as np
import pytest

from cytoshift.shift.censoring.pair_bounds import pair_bounds
from cytoshift.shift.censoring.pair_scores import pair_scores
from cytoshift.shift.exact.flips import sign_flip_interval, sign_flip_test, sign_flips
from cytoshift.shift.exact.inversion import inverted_interval, shift_p
from pair_draws import draw_pairs, known_pairs


def test_without_non_detects_it_is_the_interval_of_the_changes() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(8, 5))
    y = x + 0.5 + rng.normal(size=x.shape)
    flips = sign_flips(8)
    expected = sign_flip_interval(y - x, flips)
    found = inverted_interval(known_pairs(x, y), flips)
    np.testing.assert_array_equal(found, expected)
    # Searched for instead of computed: one interval that says no more than the value.
    searched = inverted_interval(pair_bounds(x - 1e-9, x + 1e-9, y, y), flips)
    np.testing.assert_allclose(searched, expected, atol=1e-5)


@pytest.mark.parametrize("below", [0.2, 0.5])
def test_it_agrees_with_the_test_and_its_ends_are_where_the_test_turns(below: float) -> None:
    bounds, flips = draw_pairs(8, 12, below=below, differ=0.2, shift=1.0, seed=6), sign_flips(8)
    low, high = inverted_interval(bounds, flips)
    p_value = sign_flip_test(pair_scores(bounds), flips).p_value
    inside = (low <= 0) & (high >= 0)
    assert inside[p_value > 0.05].all()
    assert not inside[p_value <= 0.05].any()
    for limit, outwards in ((low, -1), (high, 1)):
        finite = np.isfinite(limit)
        part, ends = bounds.take(finite), limit[finite]
        assert (shift_p(part, ends + 1e-6 * outwards, flips) <= 0.05).all()
        assert (shift_p(part, ends - 1e-4 * outwards, flips) > 0.05).all()


def test_exchanging_the_visits_turns_the_interval() -> None:
    bounds, flips = draw_pairs(7, 8, below=0.3, shift=0.5, seed=9), sign_flips(7)
    low, high = inverted_interval(bounds, flips)
    other_low, other_high = inverted_interval(bounds.swap(np.ones(7, bool)), flips)
    np.testing.assert_allclose(low, -other_high, atol=1e-5)
    np.testing.assert_allclose(high, -other_low, atol=1e-5)


def test_too_few_informative_pairs_leave_it_open() -> None:
    inf = np.inf
    # Four of eight reference values are non-detects: moved far down, the target values tell nothing of those pairs.
    lower = np.array([-inf, -inf, -inf, -inf, 3.0, 4.0, 5.0, 3.5])[:, None]
    upper = np.array([1.0, 1.0, 1.0, 1.0, 3.0, 4.0, 5.0, 3.5])[:, None]
    target = np.array([4.0, 5.0, 3.8, 4.4, 5.0, 5.5, 7.1, 6.0])[:, None]
    low, high = inverted_interval(pair_bounds(lower, upper, target, target), sign_flips(8))
    assert high[0] == inf
    assert 1 < low[0] < 3
    nothing = np.full((8, 1), np.nan)
    assert np.isnan(inverted_interval(pair_bounds(nothing, nothing, nothing, nothing), sign_flips(8))).all()
