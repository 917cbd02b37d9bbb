"""The likelihood of pairs with non-detects, and its derivatives."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cytoshift.shift.censoring.censored_pairs import DELTA, LAMBDA, MU, ZETA, model_likelihood
from cytoshift.shift.censoring.pair_bounds import PairBounds
from cytoshift.shift.censoring.pair_data import pair_data
from pair_draws import draw_pairs

MIXED = {"below": 0.25, "above": 0.1, "differ": 0.3, "bands": 0.3}


def log_likelihood_by_hand(bounds: PairBounds, m: tuple[float, float], s: tuple[float, float], rho: float) -> float:
    """One analyte, pair by pair, through scipy's distributions."""
    covariance = np.array([[s[0] ** 2, rho * s[0] * s[1]], [rho * s[0] * s[1], s[1] ** 2]])
    joint = stats.multivariate_normal(m, covariance)
    rest = np.sqrt(1 - rho**2)
    total = 0.0
    for lower, upper in zip(bounds.lower[:, :, 0].T, bounds.upper[:, :, 0].T, strict=True):
        known = lower == upper
        if known.all():
            total += joint.logpdf(lower)
        elif known.any():
            a, b = (0, 1) if known[0] else (1, 0)
            given_a = stats.norm(m[b] + rho * s[b] / s[a] * (lower[a] - m[a]), s[b] * rest)
            total += stats.norm(m[a], s[a]).logpdf(lower[a]) + np.log(given_a.cdf(upper[b]) - given_a.cdf(lower[b]))
        else:
            far = np.array(m) + 12 * np.array(s)
            total += np.log(joint.cdf(np.minimum(upper, far), lower_limit=np.maximum(lower, 2 * np.array(m) - far)))
    return total


def test_likelihood_is_the_sum_over_pairs() -> None:
    bounds = draw_pairs(14, 3, **MIXED, seed=4)
    data = pair_data(bounds)
    m, s, rho = (0.2, -0.3), (0.9, 1.3), 0.45
    parameters = np.array([(m[0] + m[1]) / 2, m[1] - m[0], np.log(s[0] * s[1]) / 2, np.log(s[1] / s[0]), 0.0])
    standard = np.tile(parameters, (3, 1))
    standard[:, MU] = (standard[:, MU] - data.centre) / data.scale
    standard[:, DELTA] /= data.scale
    standard[:, LAMBDA] -= np.log(data.scale)
    standard[:, ZETA] = np.arctanh(rho)
    found = model_likelihood(data, standard).value - data.known_values * np.log(data.scale)
    expected = [log_likelihood_by_hand(bounds.take(np.array([j])), m, s, rho) for j in range(3)]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=5, max_size=5), st.integers(0, 1000))
def test_derivatives_are_those_of_the_likelihood(parameters: list[float], seed: int) -> None:
    data = pair_data(draw_pairs(9, 4, **MIXED, seed=seed))
    at = np.tile(np.array(parameters) * [1, 1, 0.5, 0.5, 0.9] + [0, 0, 0, 0, 0.5], (4, 1))
    here = model_likelihood(data, at)
    for number, step in enumerate(1e-5 * np.eye(5)):
        up, down = model_likelihood(data, at + step), model_likelihood(data, at - step)
        size = np.abs(here.hessian).max()
        np.testing.assert_allclose(here.gradient[:, number], (up.value - down.value) / 2e-5, atol=1e-7 * size)
        np.testing.assert_allclose(here.hessian[:, number], (up.gradient - down.gradient) / 2e-5, atol=1e-7 * size)
