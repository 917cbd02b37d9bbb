"""Concentrations read off a curve: the number, its error, its interval, and what is said past the curve's ends."""

import numpy as np
import pytest
from scipy.stats import t as t_distribution

from cytoshift.calibrate.back import back_calculate
from cytoshift.calibrate.curve import from_working, inverse, log_response, response, working
from cytoshift.calibrate.fit import fit_curves

EIGHT = np.concatenate([[0, 0], np.repeat(10_000 / 4.0 ** np.arange(8), 2)])
TRUTH = np.array([[20, 1.2, 500, 12_000, 1], [40, 1.0, 900, 25_000, 1], [15, 1.6, 300, 12_000, 0.3]])


def fitted(sd=0.05, seed=1, curves=TRUTH, curve="auto"):
    concentration = np.tile(EIGHT, (len(curves), 1))
    noise = np.random.default_rng(seed).normal(0, sd, concentration.shape)
    return fit_curves(concentration, response(concentration, curves) * np.exp(noise), curve=curve)


def test_a_signal_on_a_curve_without_noise_is_read_exactly():
    x = np.array([2.0, 60.0, 4000.0])
    read = back_calculate(fitted(sd=0), np.arange(3), response(x, TRUTH))
    np.testing.assert_allclose(read.concentration, x, rtol=1e-5)
    np.testing.assert_allclose([read.low, read.high], [x, x], rtol=1e-4)
    assert list(read.status) == ["observed"] * 3


def test_signals_past_the_asymptotes_are_bounds():
    fits = fitted()
    a, d = fits.parameters[0, [0, 3]]
    read = back_calculate(fits, np.zeros(4, dtype=int), np.array([a * 0.9, d * 1.1, 0.0, -5.0]))
    assert list(read.status) == ["below", "above", "below", "below"]
    assert list(read.log2_concentration) == [-np.inf, np.inf, -np.inf, -np.inf]
    assert np.isnan(read.se_log2).all()
    assert list(read.low == 0) == [True, False, True, True]
    assert list(np.isinf(read.high)) == [False, True, False, False]
    # The bound is where a signal at the asymptote itself stops being believable: within the lowest standards.
    assert ((read.high[[0, 2, 3]] > 0.01) & (read.high[[0, 2, 3]] < 10)).all()
    assert read.low[1] > 2500


def test_what_cannot_be_read_says_why():
    fits = fit_curves(np.tile(EIGHT, (2, 1)), np.stack([response(EIGHT[None], TRUTH[:1])[0], np.full(18, np.nan)]))
    read = back_calculate(fits, np.array([0, 1, -1, 0]), np.array([np.nan, 500, 500, 500]))
    assert list(read.status) == ["missing", "missing", "missing", "observed"]
    assert list(read.reason) == ["no signal", "no standard curve", "no standard curve", ""]
    assert np.isnan(read.concentration[:3]).all()
    assert np.isnan(read.low[:3]).all()


def test_wells_of_one_sample_are_averaged_as_logs():
    fits = fitted()
    pair = back_calculate(fits, np.array([0]), np.array([[200.0, 800.0, np.nan]]))
    mean = back_calculate(fits, np.array([0]), np.array([[400.0, 400.0, np.nan]]))
    assert pair.concentration == mean.concentration
    np.testing.assert_allclose(pair.concentration, inverse(np.array([400.0]), fits.parameters[:1]), rtol=1e-12)
    assert (pair.low, pair.high) == (mean.low, mean.high)


def edges(fits, row, x, wells, confidence):
    """Both edges of the prediction band at concentrations `x`, with the curve's gradient by differences."""
    logs = working(fits.parameters[row])
    jacobian = np.empty((len(x), 5))
    for place in range(5):
        step = np.zeros(5)
        step[place] = 1e-5
        up, down = (log_response(x[None], from_working(logs + sign * step)[None])[0] for sign in (1, -1))
        jacobian[:, place] = (up - down) / 2e-5
    variance = np.einsum("xi,ij,xj->x", jacobian, fits.covariance[row], jacobian) + fits.residual_sd[row] ** 2 / wells
    half = t_distribution.isf((1 - confidence) / 2, fits.df[row]) * np.sqrt(variance)
    centre = log_response(x[None], fits.parameters[row][None])[0]
    return centre - half, centre + half, np.sqrt(variance)


@pytest.mark.parametrize("wells", [1, 2, 3])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize("row", [0, 2])
def test_interval_ends_lie_on_the_edges_of_the_prediction_band(wells, confidence, row):
    fits = fitted()
    signal = response(np.array([[3.0, 50.0, 900.0]]), TRUTH[row : row + 1]).T
    read = back_calculate(fits, np.full(3, row), np.repeat(signal, wells, axis=1), confidence=confidence)
    assert (read.low < read.concentration).all()
    assert (read.concentration < read.high).all()
    np.testing.assert_allclose(edges(fits, row, read.low, wells, confidence)[1], np.log(signal[:, 0]), atol=1e-6)
    np.testing.assert_allclose(edges(fits, row, read.high, wells, confidence)[0], np.log(signal[:, 0]), atol=1e-6)
    around = [log_response(read.concentration[None] * np.exp(h), fits.parameters[row][None])[0] for h in (1e-5, -1e-5)]
    spread = edges(fits, row, read.concentration, wells, confidence)[2]
    np.testing.assert_allclose(read.se_log2, spread / ((around[0] - around[1]) / 2e-5) / np.log(2), rtol=1e-5)


def test_interval_opens_where_the_asymptote_lies_inside_the_band():
    fits = fitted()
    a, d = fits.parameters[0, [0, 3]]
    read = back_calculate(fits, np.zeros(3, dtype=int), np.array([a * 1.01, 1000.0, d * 0.99]))
    assert list(read.status) == ["observed"] * 3
    assert list(read.low == 0) == [True, False, False]
    assert list(np.isinf(read.high)) == [False, False, True]


def test_more_wells_and_less_confidence_narrow_the_interval():
    fits = fitted()
    width = {}
    for wells, confidence in [(1, 0.95), (2, 0.95), (1, 0.8)]:
        read = back_calculate(fits, np.arange(3), np.full((3, wells), 900.0), confidence=confidence)
        width[wells, confidence] = np.log(read.high / read.low)
    assert (width[2, 0.95] < width[1, 0.95]).all()
    assert (width[1, 0.8] < width[1, 0.95]).all()


def test_a_well_of_weight_four_is_as_sure_as_the_mean_of_four():
    fits = fitted()
    heavy = back_calculate(fits, np.arange(3), np.full(3, 900.0), weights=np.full(3, 4.0))
    four = back_calculate(fits, np.arange(3), np.full((3, 4), 900.0))
    np.testing.assert_allclose([heavy.low, heavy.high, heavy.se_log2], [four.low, four.high, four.se_log2], rtol=1e-9)


def test_an_extrapolated_band_that_widens_does_not_open_an_interval_amid_the_standards():
    """Without blanks and without a plateau a 5PL is unknown far outside; a signal in the middle is still well known."""
    levels = np.repeat(1000 / 2.0 ** np.arange(8), 3)[None]
    truth = np.array([[0.02, 1.1, 3000, 6, 1]])
    signal = response(levels, truth) * np.exp(np.random.default_rng(2).normal(0, 0.03, levels.shape))
    fits = fit_curves(levels, signal, curve="5pl")
    read = back_calculate(fits, np.array([0]), response(np.array([90.0]), truth))
    assert 75 < read.low[0] < read.high[0] < 105


def test_samples_are_read_alike_in_any_company():
    fits = fitted()
    rng = np.random.default_rng(5)
    curve, signal = rng.integers(0, 3, 60), np.exp(rng.uniform(2, 10, (60, 2)))
    signal[::7, 1] = np.nan
    together = back_calculate(fits, curve, signal)
    for row in range(0, 60, 6):
        alone = back_calculate(fits, curve[row : row + 1], signal[row : row + 1])
        for name in ("log2_concentration", "se_log2", "low", "high", "status"):
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(together, name)[row])


def test_units_of_concentration_rescale_the_interval():
    concentration = np.tile(EIGHT, (3, 1))
    signal = response(concentration, TRUTH) * np.exp(np.random.default_rng(1).normal(0, 0.05, concentration.shape))
    here, there = (fit_curves(concentration * unit, signal * unit**2) for unit in (1.0, 1000.0))
    one = back_calculate(here, np.arange(3), np.array([90.0, 900.0, 2000.0]))
    other = back_calculate(there, np.arange(3), np.array([90.0, 900.0, 2000.0]) * 1e6)
    for name in ("concentration", "low", "high"):
        np.testing.assert_allclose(getattr(other, name), getattr(one, name) * 1000, rtol=1e-4)
    np.testing.assert_allclose(other.se_log2, one.se_log2, rtol=1e-4)


def test_nineteen_of_twenty_intervals_hold_the_truth():
    """300 plates with known truth; the full study, by decile and design, is docs/calibration.md."""
    rng = np.random.default_rng(11)
    truth = np.stack(
        [rng.uniform(10, 60, 300), rng.uniform(0.8, 1.6, 300), 10 ** rng.uniform(2, 3.5, 300),
         rng.uniform(5e3, 3e4, 300), np.ones(300)], axis=1,
    )  # fmt: skip
    concentration = np.tile(EIGHT, (300, 1))
    fits = fit_curves(concentration, response(concentration, truth) * np.exp(rng.normal(0, 0.06, concentration.shape)))
    x = 10 ** rng.uniform(0.7, 3.5, (300, 10))
    signal = response(x, truth)[:, :, None] * np.exp(rng.normal(0, 0.06, (300, 10, 2)))
    read = back_calculate(fits, np.repeat(np.arange(300), 10), signal.reshape(-1, 2))
    held = (read.low <= x.ravel()) & (x.ravel() <= read.high)
    assert 0.93 < held.mean() < 0.97


def test_no_samples():
    read = back_calculate(fitted(), np.empty(0, dtype=int), np.empty((0, 2)))
    assert len(read.status) == len(read.low) == 0
