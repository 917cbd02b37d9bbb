"""Standard curves: what comes out of standards a plate would hold, and when no curve may come out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytoshift.calibrate.curve import from_working, log_response, response, working
from cytoshift.calibrate.fit import fit_curves

EIGHT = np.concatenate([[0, 0], np.repeat(10_000 / 4.0 ** np.arange(8), 2)])
SIXTEEN = np.concatenate([[0, 0], 20_000 / 2.0 ** np.arange(16)])


def plate(parameters, sd=0.05, seed=1, levels=EIGHT):
    """Standards of one plate: concentrations and signals, each (curves, wells)."""
    parameters = np.atleast_2d(parameters)
    concentration = np.tile(levels, (len(parameters), 1))
    noise = np.random.default_rng(seed).normal(0, sd, concentration.shape)
    return concentration, response(concentration, parameters) * np.exp(noise)


def mixed_plate(curves=12, seed=3, sd=0.05):
    rng = np.random.default_rng(seed)
    parameters = np.stack(
        [rng.uniform(10, 60, curves), rng.uniform(0.8, 1.6, curves), 10 ** rng.uniform(2, 3.5, curves),
         rng.uniform(5e3, 3e4, curves), np.exp(rng.normal(0, 0.6, curves))], axis=1,
    )  # fmt: skip
    return plate(parameters, sd, seed)


@pytest.mark.parametrize(
    ("truth", "model"),
    [([20, 1.2, 500, 12_000, 1], "4pl"), ([20, 1.2, 500, 12_000, 0.3], "5pl"), ([5, 0.9, 900, 20_000, 3], "5pl")],
)
@pytest.mark.parametrize("levels", [EIGHT, SIXTEEN], ids=["8 in duplicate", "16 single"])
def test_standards_on_a_curve_give_that_curve(truth, model, levels):
    fits = fit_curves(*plate(truth, sd=0, levels=levels), curve=model)
    assert fits.model[0] == model
    np.testing.assert_allclose(fits.parameters[0], truth, rtol=1e-5)
    assert fits.residual_sd[0] < 1e-6
    assert fits.df[0] == len(levels) - (4 if model == "4pl" else 5)


def test_auto_takes_the_5pl_only_where_the_standards_show_asymmetry():
    fits = fit_curves(*plate([[20, 1.2, 500, 12_000, 1], [20, 1.6, 300, 12_000, 0.25]], sd=0.03))
    assert list(fits.model) == ["4pl", "5pl"]
    assert fits.parameters[0, 4] == 1
    assert fits.reason[0].startswith("4PL: the asymmetry is not identified (AICc of the 5PL higher by")
    assert fits.reason[1].startswith("5PL: AICc lower by")


def test_auto_follows_the_corrected_akaike_criterion():
    concentration, signal = mixed_plate(40)
    four, five, auto = (fit_curves(concentration, signal, curve=curve) for curve in ("4pl", "5pl", "auto"))
    wells = concentration.shape[1]

    def criterion(fits, parameters):
        k = parameters + 1
        return wells * np.log(fits.sse / wells) + 2 * k + 2 * k * (k + 1) / (wells - k - 1)

    prefers = criterion(five, 5) < criterion(four, 4)
    assert 0 < prefers.sum() < 40
    assert list(auto.model == "5pl") == list(prefers)


def test_asymmetry_too_ill_conditioned_falls_back():
    fits = fit_curves(*plate([20, 1.2, 500, 12_000, 0.3]), curve="5pl", max_condition=10)
    assert fits.model[0] == "4pl"
    assert "do not identify the asymmetry (condition number" in fits.reason[0]


@pytest.mark.parametrize(
    ("levels", "curve", "model", "words"),
    [
        ([0, 1, 10, 100], "auto", "", "4 distinct concentrations with a signal, a curve needs 5"),
        ([0, 1, 10, 100, 1000], "5pl", "", "5 distinct concentrations with a signal, a curve needs 6"),
        ([0, 1, 10, 100, 1000], "auto", "4pl", "5 distinct concentrations, a 5PL needs 6"),
        ([0, 1, 10, 100, 1000], "4pl", "4pl", "4PL as asked"),
        ([], "auto", "", "0 distinct concentrations with a signal, a curve needs 5"),
    ],
)
def test_too_few_concentrations(levels, curve, model, words):
    levels = np.repeat(np.array(levels, dtype=float), 3)
    fits = fit_curves(*plate([20, 1.2, 50, 12_000, 1], levels=levels), curve=curve)
    assert fits.model[0] == model
    assert fits.reason[0] == words
    assert np.isnan(fits.parameters[0]).all() == (model == "")


def test_signals_that_do_not_rise_get_no_curve():
    concentration, signal = plate([[20, 1.2, 500, 12_000, 1]] * 3)
    noise = np.random.default_rng(8).normal(0, 0.1, signal.shape[1])
    signal[1] = 100 * np.exp(noise)
    signal[2] = 1e5 / signal[2]
    fits = fit_curves(concentration, signal)
    assert list(fits.model) == ["4pl", "", ""]
    assert fits.reason[1] == "the signal does not rise with the concentration"
    assert fits.reason[2] == "the signal falls while the concentration rises"
    assert np.isnan(fits.parameters[1:]).all()
    assert np.isnan(fits.residual_sd[1:]).all()


def test_a_steep_top_is_a_rise():
    """Twelve standards under the noise of the blank and four above it are a poor curve, but a curve."""
    fits = fit_curves(*plate([30, 1.5, 30_000, 20_000, 1], sd=0.05, levels=20_000 / 2.0 ** np.arange(16)))
    assert fits.model[0] != ""


@pytest.mark.parametrize("damage", ["no signal", "zero", "negative", "no concentration", "weight 0"])
def test_an_unusable_well_counts_as_absent(damage):
    concentration, signal = mixed_plate(2)
    expected = fit_curves(np.delete(concentration, 6, axis=1), np.delete(signal, 6, axis=1))
    weights = np.ones(signal.shape)
    target, value = {
        "no signal": (signal, np.nan), "zero": (signal, 0), "negative": (signal, -3),
        "no concentration": (concentration, np.nan), "weight 0": (weights, 0),
    }[damage]  # fmt: skip
    target[:, 6] = value
    found = fit_curves(concentration, signal, weights)
    np.testing.assert_array_equal(found.parameters, expected.parameters)
    assert list(found.wells) == [17, 17]
    assert found.note[0].endswith("1 wells with a signal of 0 or less are not in the fit") == (
        damage in {"zero", "negative"}
    )


def test_a_weight_of_two_is_a_well_written_twice():
    concentration, signal = mixed_plate(6)
    weights = np.ones(signal.shape)
    weights[:, 5] = 2
    weighted = fit_curves(concentration, signal, weights, curve="4pl")
    twice = fit_curves(
        np.concatenate([concentration, concentration[:, 5:6]], axis=1),
        np.concatenate([signal, signal[:, 5:6]], axis=1),
        curve="4pl",
    )
    np.testing.assert_allclose(weighted.sse, twice.sse, rtol=1e-10)
    np.testing.assert_allclose(weighted.parameters, twice.parameters, rtol=1e-4)


def test_a_known_lower_asymptote_is_kept_and_costs_no_degree_of_freedom():
    concentration, signal = mixed_plate(4)
    lower = np.array([15.0, np.nan, 0.0, -2.0])
    fits, free = (
        fit_curves(concentration, signal, curve="4pl", lower=lower),
        fit_curves(concentration, signal, curve="4pl"),
    )
    np.testing.assert_allclose(fits.parameters[0, 0], 15.0, rtol=1e-12)
    np.testing.assert_array_equal(fits.parameters[1], free.parameters[1])
    assert (fits.parameters[2:, 0] < 1e-6).all()
    assert list(fits.df - free.df) == [1, 0, 1, 1]
    assert (fits.covariance[0, 0] == 0).all()
    assert (fits.sse >= free.sse * (1 - 1e-12)).all()


def test_standards_far_under_the_plateau_say_so():
    fits = fit_curves(*plate([20, 1, 1e6, 1e6, 1], sd=0.03))
    assert fits.model[0] == "4pl"
    assert "of the fitted upper asymptote" in fits.note[0]
    inside = EIGHT[EIGHT > 0]
    found = log_response(inside[None], fits.parameters)[0]
    np.testing.assert_allclose(found, log_response(inside[None], np.array([[20, 1, 1e6, 1e6, 1]]))[0], atol=0.06)


def test_covariance_is_the_residual_variance_times_the_inverse_information():
    concentration, signal = mixed_plate(3)
    weights = np.random.default_rng(4).uniform(0.5, 2, signal.shape)
    fits = fit_curves(concentration, signal, weights, curve="4pl")
    for row in range(3):
        logs = working(fits.parameters[row])
        jacobian = np.empty((signal.shape[1], 4))
        for place in range(4):
            step = np.zeros(5)
            step[place] = 1e-5
            up, down = (from_working(logs + sign * step)[None] for sign in (1, -1))
            jacobian[:, place] = (
                log_response(concentration[row][None], up) - log_response(concentration[row][None], down)
            )[0]
        jacobian /= 2e-5
        information = jacobian.T @ (weights[row][:, None] * jacobian)
        residual = np.log(signal[row]) - log_response(concentration[row][None], fits.parameters[row][None])[0]
        np.testing.assert_allclose(fits.sse[row], (weights[row] * residual**2).sum(), rtol=1e-10)
        np.testing.assert_allclose(fits.residual_sd[row] ** 2, fits.sse[row] / 14, rtol=1e-12)
        expected = np.linalg.inv(information) * fits.sse[row] / 14
        np.testing.assert_allclose(fits.covariance[row, :4, :4], expected, rtol=1e-4, atol=1e-9)
        assert (fits.covariance[row, 4] == 0).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_no_curve_nearby_fits_better(seed):
    concentration, signal = mixed_plate(3, seed)
    fits = fit_curves(concentration, signal, curve="5pl")
    rng = np.random.default_rng(seed)
    for size in (1e-1, 1e-2, 1e-3):
        moved = from_working(working(fits.parameters) + rng.normal(0, size, (3, 5)))
        moved[:, 4] = np.where(fits.model == "5pl", np.clip(moved[:, 4], 0.02, 50), 1.0)
        sse = np.square(np.log(signal) - log_response(concentration, moved)).sum(axis=1)
        assert (sse >= fits.sse * (1 - 1e-9)).all()


def test_a_curve_is_the_same_alone_in_company_and_padded():
    concentration, signal = mixed_plate(30)
    together = fit_curves(concentration, signal)
    for row in range(0, 30, 3):
        empty = np.full((1, 4), np.nan)
        alone = fit_curves(
            np.concatenate([empty, concentration[row : row + 1]], axis=1),
            np.concatenate([empty, signal[row : row + 1]], axis=1),
        )
        for name in ("parameters", "covariance", "sse", "condition", "model", "reason"):
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(together, name)[row], err_msg=name)


def test_the_order_of_wells_and_curves_does_not_matter():
    concentration, signal = mixed_plate(9)
    together = fit_curves(concentration, signal)
    wells = np.random.default_rng(1).permutation(concentration.shape[1])
    turned = fit_curves(concentration[::-1, wells], signal[::-1, wells])
    np.testing.assert_array_equal(turned.parameters[::-1], together.parameters)


@settings(max_examples=15, deadline=None)
@given(st.floats(1e-4, 1e4), st.floats(1e-4, 1e4))
def test_units_only_rescale_the_curve(concentration_unit, signal_unit):
    concentration, signal = mixed_plate(5)
    fits = fit_curves(concentration, signal, curve="4pl")
    scaled = fit_curves(concentration * concentration_unit, signal * signal_unit, curve="4pl")
    unit = np.array([signal_unit, 1, concentration_unit, signal_unit, 1])
    np.testing.assert_allclose(scaled.parameters, fits.parameters * unit, rtol=1e-5)
    np.testing.assert_allclose(scaled.sse, fits.sse, rtol=1e-9)
    np.testing.assert_allclose(scaled.condition, fits.condition, rtol=1e-4)


def test_shapes_must_agree():
    concentration, signal = mixed_plate(2)
    with pytest.raises(ValueError, match="one shape"):
        fit_curves(concentration, signal[:, 1:])
    with pytest.raises(ValueError, match="lower has"):
        fit_curves(concentration, signal, lower=np.ones(3))


def test_no_curves_at_all():
    fits = fit_curves(np.empty((0, 5)), np.empty((0, 5)))
    assert len(fits) == 0
    assert fits.parameters.shape == (0, 5)


@pytest.mark.parametrize("curve", ["auto", "5pl"])
def test_an_asymmetry_that_runs_to_its_limit_is_not_identified(curve):
    concentration = np.repeat(4000 / 2.5 ** np.arange(10), 2)[None]
    signal = 25000 - 24980 * np.exp(-((concentration / 400) ** 1.1))  # what a 5PL becomes as g grows without end
    fits = fit_curves(concentration, signal * np.tile([1.01, 0.99], 10), curve=curve)
    assert fits.model.tolist() == ["4pl"]
    assert "4PL: the standards do not identify the asymmetry (it runs to its limit of 50)" in fits.reason[0]
