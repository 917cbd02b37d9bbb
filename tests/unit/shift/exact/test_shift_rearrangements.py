"""Counting over an orbit: integers that do not depend on how the work is cut."""

import numpy as np
import pytest

from cytoshift.shift.exact.flips import contrast_rng, sign_flip_orbit, sign_flips
from cytoshift.shift.exact.rearrangements import count_reaching, smallest_two_sided_p, spans, two_sided_p


def test_p_values_do_not_depend_on_the_batch() -> None:
    rng = np.random.default_rng(5)
    scores = np.round(rng.normal(size=(20, 700)), 1)
    orbit = sign_flip_orbit(scores, sign_flips(20, draws=999, rng=contrast_rng(1, "week_16")))
    reference = two_sided_p(orbit)
    for batch in (1, 7, 333, 1000, 5000):
        np.testing.assert_array_equal(two_sided_p(orbit, batch=batch), reference)


def test_random_draws_count_the_data_themselves() -> None:
    orbit = sign_flip_orbit(np.ones((30, 1)), sign_flips(30, draws=99, rng=contrast_rng(1, "a")))
    assert orbit.draws == 100
    assert two_sided_p(orbit)[0] == 0.01


def test_ties_count_although_the_sums_differ_in_the_last_bit() -> None:
    scores = np.array([0.1, 0.2, 0.3, -0.3, 0.7, 0.1])[:, None]
    signs = np.array(np.meshgrid(*[[1, -1]] * 6)).reshape(6, -1)
    tenths = np.rint(10 * scores[:, 0]).astype(int)
    expected = np.mean(np.abs(tenths @ signs) >= abs(tenths.sum()))
    assert two_sided_p(sign_flip_orbit(scores, sign_flips(6)))[0] == expected


def test_smallest_p_is_reached_by_some_arrangement_and_undercut_by_none() -> None:
    rng = np.random.default_rng(2)
    size = np.abs(np.round(rng.normal(size=6), 1))
    flips = sign_flips(6)
    every = size[:, None] * np.concatenate([flips.weights, -flips.weights], axis=1)
    orbit = sign_flip_orbit(every, flips)
    p_values = two_sided_p(orbit)
    np.testing.assert_array_equal(smallest_two_sided_p(orbit), np.full(64, p_values.min()))


def test_taking_features_keeps_their_order() -> None:
    orbit = sign_flip_orbit(np.array([[1.0, 2.0, 0.0], [1.0, -2.0, 0.0]]), sign_flips(2))
    taken = orbit.take(np.array([2, 0]))
    np.testing.assert_allclose(taken.observed(), [0.0, np.sqrt(2)])
    assert taken.defined.tolist() == [False, True]
    assert count_reaching(taken, np.array([0.0, 1.0])).tolist() == [2, 1]


def test_a_batch_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one draw"):
        list(spans(10, 0))
