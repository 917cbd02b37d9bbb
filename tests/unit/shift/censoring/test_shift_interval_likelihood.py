"""The likelihood of values known exactly or between limits, and its maximum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cytoshift.shift.censoring.interval_likelihood import (
    IntervalData,
    _likelihood,
    checked_bounds,
    fit_intervals,
    interval_data,
)

INF, NAN = np.inf, np.nan


def draw(n: int, features: int, seed: int, columns: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Limits (n, features) of every kind and a design (n, columns) with an intercept."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, features))
    kind = rng.choice(5, size=values.shape, p=[0.45, 0.2, 0.1, 0.15, 0.1])
    low = np.select([kind == 1, kind == 3, kind == 4], [-INF, values - 0.4, NAN], values - (kind == 2) * 0.2)
    high = np.select([kind == 2, kind == 3, kind == 4], [INF, values + 0.3, NAN], values + (kind == 1) * 0.3)
    design = np.column_stack([np.ones(n), rng.normal(size=(n, columns - 1))])
    return low, high, design


def standard(low: np.ndarray, high: np.ndarray, design: np.ndarray) -> IntervalData:
    bases = [np.linalg.qr(design * present[:, None])[0] for present in (~np.isnan(low)).T]
    return interval_data(low, high, np.stack(bases))


def log_likelihood(data: IntervalData, feature: int, gamma: np.ndarray, tau: float) -> float:
    """The same from the definition, one subject after the other."""
    total = 0.0
    for i in range(data.value.shape[1]):
        mean = data.basis[feature, i] @ gamma / tau
        if data.known[feature, i]:
            total += stats.norm.logpdf(data.value[feature, i], mean, 1 / tau)
        elif data.censored[feature, i]:
            ends = np.array([data.lower[feature, i], data.upper[feature, i]])
            # Far above the mean only the upper tail keeps its digits.
            tails = -stats.norm.sf(ends, mean, 1 / tau) if ends[0] > mean else stats.norm.cdf(ends, mean, 1 / tau)
            total += np.log(tails[1] - tails[0])
    return total


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.5, 2))
def test_value_and_derivatives_are_those_of_the_definition(seed: int, tau: float) -> None:
    data = standard(*draw(12, 2, seed))
    rng = np.random.default_rng(seed)
    place = np.column_stack([rng.normal(size=(2, 3)), np.full(2, tau)])
    here = _likelihood(data, place)
    for feature in range(2):
        expected = log_likelihood(data, feature, place[feature, :-1], tau)
        assert here.log_likelihood[feature] == pytest.approx(expected, abs=1e-9)
    step = 1e-5
    for parameter in range(4):
        up, down = (_likelihood(data, place + side * step * np.eye(4)[parameter]) for side in (1, -1))
        slope = (up.log_likelihood - down.log_likelihood) / (2 * step)
        np.testing.assert_allclose(here.gradient[:, parameter], slope, rtol=1e-6, atol=1e-6)
        bend = (up.gradient - down.gradient) / (2 * step)
        np.testing.assert_allclose(here.hessian[:, parameter], bend, rtol=1e-5, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_it_is_concave_and_nothing_beats_the_fit(seed: int) -> None:
    data = standard(*draw(14, 4, seed))
    fit = fit_intervals(data)
    rng = np.random.default_rng(seed)
    for _ in range(5):
        other = np.column_stack([fit.parameters[:, :-1] + rng.normal(size=(4, 3)), fit.tau * rng.uniform(0.3, 3, 4)])
        there, between = _likelihood(data, other), _likelihood(data, 0.5 * (other + fit.parameters))
        assert (there.log_likelihood <= fit.log_likelihood + 1e-9).all()
        assert (between.log_likelihood >= 0.5 * (there.log_likelihood + fit.log_likelihood) - 1e-9).all()
        assert (np.linalg.eigvalsh(there.hessian) <= 1e-9).all()


def test_the_fit_does_not_depend_on_where_it_begins() -> None:
    data = standard(*draw(16, 30, 4))
    fit = fit_intervals(data)
    assert fit.settled.all()
    for factor in (0.05, 20.0):
        start = np.column_stack([np.full((30, 3), 2.0), factor * fit.tau])
        again = fit_intervals(data, start)
        np.testing.assert_allclose(again.log_likelihood, fit.log_likelihood, atol=1e-10)
        np.testing.assert_allclose(again.parameters, fit.parameters, rtol=1e-6, atol=1e-6)


def test_known_values_are_fitted_by_least_squares() -> None:
    rng = np.random.default_rng(5)
    y, design = rng.normal(5, 2, size=(10, 3)), np.column_stack([np.ones(10), rng.normal(size=10)])
    data = standard(y, y, design)
    fit = fit_intervals(data)
    expected = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    sigma = np.sqrt(np.mean(expected**2, axis=0))
    np.testing.assert_allclose(data.scale / fit.tau, sigma, rtol=1e-12)
    np.testing.assert_allclose(fit.slope.T * sigma, expected, atol=1e-12)


NO_SPREAD = {
    "equal values": ([(3, 3)] * 4, True, False),
    "values explained by nothing else": ([(3, 3), (3, 3), (-INF, 5), (-INF, 5)], True, False),
    "limits alone, mixed": ([(-INF, 2), (5, INF), (-INF, 2), (5, INF)], False, True),
}


@pytest.mark.parametrize("name", NO_SPREAD)
def test_a_spread_of_nothing_or_without_end_is_noticed(name: str) -> None:
    limits, runaway, endless = NO_SPREAD[name]
    low, high = np.array(limits, dtype=float).T[:, :, None]
    fit = fit_intervals(standard(low, high, np.ones((4, 1))))
    assert (fit.runaway[0], fit.endless[0], fit.settled[0]) == (runaway, endless, False)


def test_a_value_that_may_be_anything_is_missing_and_others_are_refused() -> None:
    low, high = checked_bounds([[1.0, -INF, -INF, NAN]], [[2.0, INF, 3.0, 4.0]])
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [[False, True, False, True]]
    with pytest.raises(ValueError, match="one shape"):
        checked_bounds(np.ones((3, 2)), np.ones((3, 1)))
    for lower, upper in ((2.0, 1.0), (INF, INF), (-INF, -INF)):
        with pytest.raises(ValueError, match="lower ≤ upper"):
            checked_bounds([[lower]], [[upper]])
