"""The five-parameter logistic and its inverse, against values worked out by hand and as each other's mirror."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytoshift.calibrate.curve import (
    from_working,
    inverse,
    log_response,
    log_signal_gradient,
    response,
    slope,
    working,
)

# a, b, c, d, g: signal 10 of a blank, 810 at most, half way at 100 pg/ml.
FOUR = np.array([[10.0, 1.0, 100.0, 810.0, 1.0]])

curves = st.builds(
    lambda a, b, c, rise, g: np.array([[a, b, c, a * (1 + rise), g]]),
    st.floats(0.01, 1e3),
    st.floats(0.3, 3),
    st.floats(1e-2, 1e5),
    st.floats(5, 1e4),
    st.floats(0.2, 5),
)


@pytest.mark.parametrize(
    ("x", "y"),
    [(0.0, 10.0), (100.0, 410.0), (300.0, 610.0), (np.inf, 810.0)],
    ids=["blank", "half way", "three quarters", "no end"],
)
def test_signal_by_hand(x, y):
    np.testing.assert_allclose(response(np.array([x]), FOUR), [y], rtol=1e-14)


def test_asymmetric_signal_by_hand():
    # (1 + (x/c)^b)^g = (1 + 2^2)^0.5 at x = 2c: y = d + (a - d) / sqrt(5)
    curve = np.array([[1.0, 2.0, 7.0, 101.0, 0.5]])
    np.testing.assert_allclose(response(np.array([14.0]), curve), [101 - 100 / np.sqrt(5)], rtol=1e-14)
    np.testing.assert_allclose(log_response(np.array([14.0]), curve), np.log([101 - 100 / np.sqrt(5)]), rtol=1e-14)


@pytest.mark.parametrize(
    ("y", "x"),
    [(410.0, 100.0), (610.0, 300.0), (10.0, 0.0), (9.0, 0.0), (-3.0, 0.0), (810.0, np.inf), (900.0, np.inf)],
)
def test_concentration_by_hand(y, x):
    np.testing.assert_allclose(inverse(np.array([y]), FOUR), [x], rtol=1e-13)


def test_no_signal_and_no_curve_give_no_concentration():
    assert np.isnan(inverse(np.array([np.nan]), FOUR)).all()
    assert np.isnan(inverse(np.array([50.0]), np.full((1, 5), np.nan))).all()
    assert np.isnan(response(np.array([50.0]), np.full((1, 5), np.nan))).all()
    assert np.isnan(response(np.array([-1.0]), FOUR)).all()


def test_many_wells_of_many_curves():
    both = np.concatenate([FOUR, FOUR * [[2, 1, 3, 2, 1]]])
    signals = response(np.array([[0.0, 100.0], [0.0, 300.0]]), both)
    np.testing.assert_allclose(signals, [[10, 410], [20, 820]], rtol=1e-14)
    np.testing.assert_allclose(inverse(signals, both), [[0, 100], [0, 300]], rtol=1e-13, atol=1e-12)


@settings(max_examples=100, deadline=None)
@given(curves, st.floats(0.001, 0.999))
def test_inverse_undoes_response(curve, share):
    a, _, _, d, _ = curve[0]
    x = inverse(np.array([a + share * (d - a)]), curve)
    np.testing.assert_allclose(response(x, curve), [a + share * (d - a)], rtol=1e-11)
    np.testing.assert_allclose(inverse(response(x, curve), curve), x, rtol=1e-8)


@settings(max_examples=50, deadline=None)
@given(curves, st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.floats(0.01, 0.99))
def test_units_of_concentration_and_signal_only_rescale(curve, concentration, signal, share):
    scaled = curve * [[signal, 1, concentration, signal, 1]]
    y = curve[:, 0] + share * (curve[:, 3] - curve[:, 0])
    np.testing.assert_allclose(inverse(y * signal, scaled), inverse(y, curve) * concentration, rtol=1e-8)


@settings(max_examples=50, deadline=None)
@given(curves, st.floats(-6, 6))
def test_gradient_is_the_change_of_ln_signal(curve, distance):
    log_x = np.log(curve[:, 2]) + distance
    logs = working(curve)
    _, gradient = log_signal_gradient(log_x, list(logs.T))
    for place in range(5):
        step = np.zeros((1, 5))
        step[0, place] = 1e-5
        up, down = (log_response(np.exp(log_x), from_working(logs + sign * step)) for sign in (1, -1))
        np.testing.assert_allclose(gradient[place], (up - down) / 2e-5, rtol=1e-5, atol=1e-8)
    rise = (log_response(np.exp(log_x + 1e-5), curve) - log_response(np.exp(log_x - 1e-5), curve)) / 2e-5
    np.testing.assert_allclose(slope(log_x, list(logs.T)), rise, rtol=1e-5, atol=1e-8)


def test_a_blank_moves_with_the_lower_asymptote_alone():
    y, gradient = log_signal_gradient(np.array([-np.inf]), list(working(FOUR).T))
    np.testing.assert_allclose(y, np.log([10.0]), rtol=1e-14)
    np.testing.assert_allclose(np.concatenate(gradient), [1, 0, 0, 0, 0], atol=1e-15)


def test_working_parameters_refuse_curves_that_do_not_rise():
    falling = FOUR[:, [3, 1, 2, 0, 4]]
    assert np.isnan(working(falling)[0, 1])
    np.testing.assert_allclose(from_working(working(FOUR)), FOUR, rtol=1e-14)
