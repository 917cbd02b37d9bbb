"""Limits of a coefficient at which the calibrated likelihood ratio reaches a quantile of t."""

import numpy as np
import pytest
from scipy import stats

from cytoshift.shift.censoring.censored_profile import calibrated_t
from cytoshift.shift.censoring.interval_likelihood import IntervalData, fit_intervals, interval_data
from cytoshift.shift.censoring.interval_profile import curvature_se, last_coefficient, profile_limit

INF = np.inf


def arms_below(features: int, limit: float, seed: int) -> IntervalData:
    """Two arms of 7, values below one limit unknown."""
    values = np.random.default_rng(seed).normal(size=(14, features))
    low, high = np.where(values < limit, -INF, values), np.maximum(values, limit)
    design = np.column_stack([np.ones(14), np.tile([1.0, 0.0], 7)])
    return interval_data(low, high, np.repeat(np.linalg.qr(design)[0][None], features, axis=0))


def size_at(data: IntervalData, top: np.ndarray, place: np.ndarray) -> np.ndarray:
    ratio = 2 * (top - fit_intervals(data.without_last(place)).log_likelihood)
    return calibrated_t(np.maximum(ratio, 0), data.count, data.count - 2.0)


@pytest.mark.parametrize("begin", [0.5, 30.0])
@pytest.mark.parametrize("side", [-1, 1])
def test_a_limit_is_where_t_reaches_its_quantile_from_wherever_the_search_begins(side: int, begin: float) -> None:
    data = arms_below(20, -0.4, seed=1)
    fit = fit_intervals(data)
    estimate, df = last_coefficient(data, fit), data.count - 2.0
    quantile = stats.t.isf(0.025, df)
    others = np.delete(fit.parameters, -2, axis=1)
    found = profile_limit(data, fit.log_likelihood, df, quantile, estimate, estimate + side * begin, others, side)
    assert (side * (found - estimate) > 0).all()
    np.testing.assert_allclose(size_at(data, fit.log_likelihood, found), quantile, rtol=1e-8)
    # All that lies between is inside: the profile falls all the way.
    sizes = [size_at(data, fit.log_likelihood, estimate + share * (found - estimate)) for share in (0.2, 0.5, 0.9, 1.5)]
    assert (np.diff(sizes, axis=0) > 0).all()


def test_a_quantile_that_is_never_reached_leaves_the_limit_open() -> None:
    values = np.array([[3, 4, 5, 4.5, 2, 2, 2, 2.0]]).T
    low = np.where(values == 2, -INF, values)
    design = np.column_stack([np.ones(8), np.repeat([1.0, 0.0], 4)])
    data = interval_data(low, values, np.linalg.qr(design)[0][None])
    fit, null = fit_intervals(data), fit_intervals(data.without_last())
    _, flat, spreadless = curvature_se(data, fit)
    assert (flat[0], spreadless[0]) == (True, False)
    towards = int(np.sign(last_coefficient(data, fit)[0]))
    df, quantile = np.array([6.0]), np.array([2.447])
    given = (data, fit.log_likelihood, df, quantile, np.array([np.nan]), np.zeros(1), null.parameters)
    assert profile_limit(*given, towards)[0] == towards * INF
    assert np.isfinite(profile_limit(*given, -towards)[0])


def test_the_standard_error_of_known_values_is_that_of_least_squares() -> None:
    data = arms_below(5, -INF, seed=2)
    fit = fit_intervals(data)
    found, flat, spreadless = curvature_se(data, fit)
    # Of a column with a root mean square of 1: σ/√n.
    np.testing.assert_allclose(found, 1 / (fit.tau * np.sqrt(14)), rtol=1e-10)
    assert not (flat | spreadless).any()
