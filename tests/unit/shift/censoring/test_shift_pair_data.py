"""Pairs sorted by what is known of them, in units of their own."""

import numpy as np

from cytoshift.shift.censoring.pair_bounds import pair_bounds
from cytoshift.shift.censoring.pair_data import pair_data
from pair_draws import draw_pairs

INF = np.inf


def test_pairs_are_sorted_by_what_is_known() -> None:
    nan = np.nan
    lower_1, upper_1 = np.array([1.0, 2, -INF, -INF, nan, 3]), np.array([1.0, 2, 0.5, 0.5, nan, 3])
    lower_2, upper_2 = np.array([2.0, 5, 4, -INF, 1, 6]), np.array([2.0, INF, 4, 0.5, 1, 6])
    data = pair_data(pair_bounds(*(part[:, None] for part in (lower_1, upper_1, lower_2, upper_2))))
    first, second = data.half_known
    assert data.pairs.tolist() == [5]
    assert data.known_values.tolist() == [6]
    assert data.known.count.tolist() == [2]
    assert (first.subject.tolist(), second.subject.tolist(), data.unknown.subject.tolist()) == ([1], [2], [3])
    np.testing.assert_allclose(data.centre + data.scale * data.known.mean_change, data.centre + 2)
    np.testing.assert_allclose(data.centre + data.scale * first.value, 2)
    assert (data.centre + data.scale * first.ends[:, 0]).tolist() == [5, INF]
    inside = data.centre + data.scale * data.middle[:, :, 0]
    assert inside[1, 1] > 5
    assert inside[0, 2] < 0.5


def test_an_interval_without_width_worth_speaking_of_is_a_value() -> None:
    x = np.array([[1.0], [3.0], [5.0]])
    narrow, wide = (pair_data(pair_bounds(x - half, x + half, x, x)) for half in (1e-6, 0.5))
    assert narrow.known.count.tolist() == [3]
    assert wide.known.count.tolist() == [0]


def test_scale_is_one_where_no_limit_differs() -> None:
    same = np.full((4, 1), 2.0)
    assert pair_data(pair_bounds(same, same, same, same)).scale.tolist() == [1]
    assert pair_data(pair_bounds(np.full((4, 1), -INF), same, same, same)).scale.tolist() == [1]


def test_data_of_some_analytes_are_those_of_some_analytes() -> None:
    bounds = draw_pairs(8, 10, below=0.3, above=0.1, bands=0.2, seed=2)
    chosen = np.arange(10) % 3 == 1
    taken, made = pair_data(bounds).take(chosen), pair_data(bounds.take(chosen))
    at = np.tile([0.1, -0.2, 0.1, 0.2, 0.5], (3, 1))
    for name in ("value", "gradient", "hessian"):
        np.testing.assert_array_equal(getattr(taken.likelihood(at), name), getattr(made.likelihood(at), name))
