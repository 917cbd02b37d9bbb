"""The maximum of the likelihood of pairs with non-detects."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytoshift.shift.censoring.censored_pairs import (
    DELTA,
    FIXED_SHIFT,
    FULL,
    KAPPA,
    LAMBDA,
    UNEQUAL_SPREAD,
    ZETA,
    fit_pairs,
    fit_without_shift,
    starting_values,
)
from cytoshift.shift.censoring.pair_bounds import pair_bounds
from cytoshift.shift.censoring.pair_data import pair_data
from pair_draws import draw_pairs, known_pairs


def test_known_pairs_have_the_textbook_maximum() -> None:
    rng = np.random.default_rng(2)
    # Subjects differ a thousand times more than visits do.
    subject = 1000 * rng.normal(size=(10, 3))
    x, y = subject + rng.normal(size=(10, 3)), subject + 0.7 + rng.normal(size=(10, 3))
    data = pair_data(known_pairs(x, y))
    fit = fit_pairs(data, starting_values(data), FULL)
    sums, changes = x + y, y - x
    assert fit.settled.all()
    np.testing.assert_allclose(fit.parameters[:, DELTA] * data.scale, changes.mean(axis=0), rtol=1e-9)
    ratio = sums.std(axis=0) / changes.std(axis=0)
    np.testing.assert_allclose(np.exp(fit.parameters[:, ZETA]), ratio, rtol=1e-9)
    companion = fit_pairs(data, fit.parameters, UNEQUAL_SPREAD)
    np.testing.assert_allclose(np.exp(companion.parameters[:, KAPPA]), y.std(axis=0) / x.std(axis=0), rtol=1e-9)


@pytest.mark.parametrize("below", [0.2, 0.5])
def test_the_maximum_is_one(below: float) -> None:
    data = pair_data(draw_pairs(12, 60, below=below, differ=0.3, seed=8))
    start = starting_values(data)
    fit = fit_pairs(data, start, FULL)
    sound = fit.settled & ~fit.held.any(axis=1)
    assert sound.mean() > 0.9
    np.testing.assert_allclose(fit.gradient[sound][:, list(FULL)], 0, atol=1e-6)
    curvature = np.linalg.eigvalsh(fit.hessian[sound][:, FULL][:, :, FULL])
    assert (curvature < 0).all()
    for zeta in (-1.5, 2.5):
        elsewhere = start.copy()
        elsewhere[:, ZETA] = zeta
        again = fit_pairs(data, elsewhere, FULL)
        np.testing.assert_allclose(again.log_likelihood[sound], fit.log_likelihood[sound], atol=1e-9)


def test_an_analyte_does_not_depend_on_its_neighbours() -> None:
    bounds = draw_pairs(10, 30, below=0.4, seed=3)
    data, alone = pair_data(bounds), pair_data(bounds.take(np.array([17])))
    fit, single = fit_pairs(data, starting_values(data), FULL), fit_pairs(alone, starting_values(alone), FULL)
    np.testing.assert_array_equal(fit.parameters[17], single.parameters[0])
    assert fit.log_likelihood[17] == single.log_likelihood[0]


@settings(max_examples=12, deadline=None)
@given(st.floats(-50, 50), st.floats(0.01, 100), st.integers(0, 1000))
def test_location_and_scale_of_the_values_carry_over(by: float, times: float, seed: int) -> None:
    bounds = draw_pairs(10, 2, below=0.3, seed=seed)
    lower, upper = bounds.lower * times + by, bounds.upper * times + by
    fits = []
    for these in (bounds, pair_bounds(lower[0], upper[0], lower[1], upper[1])):
        data = pair_data(these)
        fit = fit_pairs(data, starting_values(data), FULL)
        fits.append((fit.parameters[:, DELTA] * data.scale, fit.settled & ~fit.held.any(axis=1)))
    sound = fits[0][1]
    np.testing.assert_allclose(fits[1][0][sound], fits[0][0][sound] * times, rtol=1e-6, atol=1e-6 * times)


def test_exchanging_all_pairs_turns_the_shift_and_leaves_the_rest() -> None:
    bounds = draw_pairs(12, 20, below=0.35, differ=0.2, shift=0.5, seed=6)
    data, turned = pair_data(bounds), pair_data(bounds.swap(np.ones(12, bool)))
    fit, other = fit_pairs(data, starting_values(data), FULL), fit_pairs(turned, starting_values(turned), FULL)
    sound = fit.settled & ~fit.held.any(axis=1)
    np.testing.assert_allclose(fit.parameters[sound] * [1, -1, 1, 1, 1], other.parameters[sound], atol=1e-7)


def test_values_that_do_not_vary_end_at_the_edge() -> None:
    # One value, and a limit that everything else lies under: the spread falls to nothing.
    lower, upper = np.array([[3.0]] * 3 + [[-np.inf]] * 3), np.array([[3.0]] * 3 + [[7.0]] * 3)
    data = pair_data(pair_bounds(lower, upper, lower, upper))
    fit = fit_without_shift(data)
    assert fit.held[0, LAMBDA]
    assert not fit.settled[0]


def test_a_fixed_shift_stays() -> None:
    data = pair_data(draw_pairs(8, 5, below=0.3, seed=1))
    fit = fit_pairs(data, starting_values(data, np.full(5, 0.7)), FIXED_SHIFT)
    assert (fit.parameters[:, DELTA] == 0.7).all()
    free = fit_pairs(data, starting_values(data), FULL)
    assert (free.log_likelihood >= fit.log_likelihood).all()
    assert (free.log_likelihood > fit.log_likelihood).any()
