"""Likelihood ratio, its calibration and the profile interval."""

import numpy as np
from scipy import stats

from cytoshift.shift.censoring.censored_pairs import (
    DELTA,
    FIXED_SHIFT,
    FULL,
    fit_pairs,
    fit_without_shift,
    starting_values,
)
from cytoshift.shift.censoring.censored_profile import (
    calibrated_t,
    likelihood_cut,
    likelihood_ratio,
    profile_limit,
    shift_se,
)
from cytoshift.shift.censoring.pair_data import PairData, pair_data
from cytoshift.shift.classical.paired import paired_t
from pair_draws import draw_pairs, known_pairs


def limits(data: PairData, level: float = 0.95) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    fit = fit_pairs(data, starting_values(data), FULL)
    cut = likelihood_cut(data.pairs, data.pairs - 1.0, level)
    found = [profile_limit(data, fit.log_likelihood, cut, fit.parameters, side) for side in (-1, 1)]
    return found[0], found[1], cut


def test_without_non_detects_it_is_the_paired_t() -> None:
    rng = np.random.default_rng(5)
    for n in (3, 6, 25):
        x = 3 * rng.normal(size=(n, 20))
        y = x + 0.3 + rng.normal(size=x.shape)
        x[0, 4] = np.nan
        y[0, 4] = np.nan
        data = pair_data(known_pairs(x, y))
        fit, null = fit_pairs(data, starting_values(data), FULL), fit_without_shift(data)
        df = data.pairs - 1.0
        expected = paired_t(y - x)
        t = calibrated_t(likelihood_ratio(data, fit, null), data.pairs, df)
        np.testing.assert_allclose(fit.parameters[:, DELTA] * data.scale, expected.estimate, atol=1e-10)
        np.testing.assert_allclose(t, np.abs(expected.statistic), rtol=1e-8)
        np.testing.assert_allclose(2 * stats.t.sf(t, df), expected.p_value, atol=1e-10)
        np.testing.assert_allclose(shift_se(fit, data.pairs, df) * data.scale, expected.se, rtol=1e-8)
        low, high, _ = limits(data)
        np.testing.assert_allclose(low * data.scale, expected.ci_low, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(high * data.scale, expected.ci_high, rtol=1e-8, atol=1e-8)


def test_the_profile_likelihood_has_fallen_to_the_cut_at_both_limits() -> None:
    data = pair_data(draw_pairs(10, 40, below=0.35, differ=0.3, shift=0.4, seed=11))
    fit = fit_pairs(data, starting_values(data), FULL)
    low, high, cut = limits(data)
    assert np.isfinite(low).all()
    assert (low < fit.parameters[:, DELTA]).all()
    assert (fit.parameters[:, DELTA] < high).all()
    for limit in (low, high):
        at = fit_pairs(data, starting_values(data, limit), FIXED_SHIFT)
        np.testing.assert_allclose(2 * (fit.log_likelihood - at.log_likelihood), cut, atol=1e-7)


def test_a_limit_that_does_not_exist_is_infinite() -> None:
    data = pair_data(draw_pairs(6, 4, below=0.3, seed=2))
    top = fit_pairs(data, starting_values(data), FULL)
    # Far out the likelihood falls with the logarithm of the shift only: a cut of 1e4 is not reached.
    limit = profile_limit(data, top.log_likelihood, np.full(4, 1e4), top.parameters, 1)
    assert (limit == np.inf).all()


def test_cut_and_calibration_are_inverse() -> None:
    n, df = np.array([4, 9, 30]), np.array([3.0, 8.0, 29.0])
    t = calibrated_t(likelihood_cut(n, df, 0.9), n, df)
    np.testing.assert_allclose(2 * stats.t.sf(t, df), 0.1, rtol=1e-12)
