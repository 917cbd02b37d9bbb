"""Trends over levels: straight lines come back as they are, outliers do not bend the robust one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytoshift.shift.classical.variance_trend import local_trend, spline_trend


@given(
    slope=st.floats(-3, 3),
    start=st.floats(-5, 5),
    levels=st.lists(st.integers(0, 40), min_size=5, max_size=60).filter(lambda found: len(set(found)) > 2),
)
@settings(max_examples=50, deadline=None)
def test_a_straight_line_comes_back_also_beyond_the_levels_seen(slope, start, levels):
    level = np.array(levels, dtype=float)
    line = start + slope * level
    trend = spline_trend(line, level, np.array([-10.0, 55.0]))
    np.testing.assert_allclose(trend.fitted, line, atol=1e-8)
    np.testing.assert_allclose(trend.predicted, start + slope * np.array([-10.0, 55.0]), atol=1e-6)
    np.testing.assert_allclose(local_trend(line, level), line, atol=1e-8)


def test_a_bend_is_followed():
    level = np.linspace(0, 6, 200)
    wave = np.sin(level)
    assert np.abs(spline_trend(wave, level, level[:0]).fitted - wave).max() < 0.2
    assert np.abs(local_trend(wave, level) - wave).max() < 0.5


def test_one_outlier_bends_the_spline_and_not_the_robust_trend():
    level = np.linspace(0, 10, 100)
    line = 2 + 0.5 * level
    response = line + np.random.default_rng(2).normal(0, 0.05, 100)
    response[50] += 40
    assert np.abs(spline_trend(response, level, level[:0]).fitted - line).max() > 0.5
    assert np.abs(local_trend(response, level) - line).max() < 0.05


def test_the_order_of_features_does_not_matter():
    rng = np.random.default_rng(1)
    level, response = rng.normal(size=80), rng.normal(size=80)
    order = rng.permutation(80)
    np.testing.assert_array_equal(local_trend(response[order], level[order]), local_trend(response, level)[order])


def test_a_feature_without_a_level_has_no_trend():
    level = np.arange(10.0)
    predicted = spline_trend(level**2, level, np.array([np.nan, 3.0])).predicted
    assert np.isnan(predicted).tolist() == [True, False]


@pytest.mark.parametrize("levels", [1, 2])
def test_few_levels_need_few_coefficients(levels):
    level = np.repeat(np.arange(levels, dtype=float), 20)
    response = np.tile([1.0, 3.0], len(level) // 2) + level
    trend = spline_trend(response, level, level[:0])
    np.testing.assert_allclose(trend.fitted, 2 + level)
    assert trend.variance == pytest.approx(len(level) / (len(level) - levels))
