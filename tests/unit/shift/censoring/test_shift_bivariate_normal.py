"""Probabilities of rectangles under the bivariate normal, and their derivatives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from cytoshift.shift.censoring.bivariate_normal import density, interval_terms, quadrant, rectangle, rectangle_terms

NUMBERS = st.floats(-4, 4)
ZETAS = st.floats(-5, 5)


def one(*values: float) -> list[np.ndarray]:
    return [np.array([value]) for value in values]


def owen(h: float, k: float, z: float) -> float:
    """The same probability through Owen's T function; h and k other than 0."""
    rho, rest = np.tanh(z), 1 / np.cosh(z)
    arms = special.owens_t(h, (k / h - rho) / rest) + special.owens_t(k, (h / k - rho) / rest)
    return float(0.5 * (special.ndtr(h) + special.ndtr(k)) - arms - (0.5 if h * k < 0 else 0.0))


@settings(max_examples=100, deadline=None)
@given(NUMBERS.filter(lambda x: abs(x) > 0.01), NUMBERS.filter(lambda x: abs(x) > 0.01), ZETAS)
def test_quadrant_agrees_with_owens_t(h: float, k: float, z: float) -> None:
    assert quadrant(*one(h, k, z))[0] == pytest.approx(owen(h, k, z), abs=1e-12)


def test_quadrant_at_the_mean_is_sheppards_formula() -> None:
    rho = np.array([-0.9999, -0.95, -0.5, 0.0, 0.3, 0.925, 0.9251, 0.999999])
    zero = np.zeros(len(rho))
    expected = 0.25 + np.arcsin(rho) / (2 * np.pi)
    np.testing.assert_allclose(quadrant(zero, zero, np.arctanh(rho)), expected, atol=1e-14)


def test_infinite_limits_leave_the_marginal() -> None:
    h, z = np.array([-3.0, 0.2, 1.7]), np.array([0.4, -2.0, 3.0])
    infinity = np.full(3, np.inf)
    np.testing.assert_allclose(quadrant(h, infinity, z), stats.norm.cdf(h), rtol=1e-13)
    np.testing.assert_allclose(quadrant(infinity, h, z), stats.norm.cdf(h), rtol=1e-13)
    assert quadrant(h, -infinity, z).tolist() == [0, 0, 0]


@pytest.mark.parametrize("rho", [-0.999, -0.95, -0.6, 0.0, 0.5, 0.95])
@pytest.mark.parametrize("at", [(-1.0, -1.5), (-5.0, -5.0), (-9.0, -6.0), (1.0, -4.0)])
def test_quadrant_keeps_its_digits_however_small_it_is(rho: float, at: tuple[float, float]) -> None:
    # ∫ φ(x) Φ((k − ρx)/√(1 − ρ²)) dx over x ≤ h, every term positive, in panels that are narrow near h.
    h, k = at
    nodes, weights = np.polynomial.legendre.leggauss(20)
    edges = 9 * np.linspace(0, 1, 300) ** 3
    step = np.diff(edges)[:, None] / 2
    x = h - (edges[:-1, None] + step * (nodes + 1))
    terms = stats.norm.logpdf(x) + special.log_ndtr((k - rho * x) / np.sqrt(1 - rho**2))
    expected = np.sum(step * weights * np.exp(terms))
    assert quadrant(*one(h, k, np.arctanh(rho)))[0] == pytest.approx(expected, rel=2e-9, abs=1e-290)


@settings(max_examples=100, deadline=None)
@given(st.lists(NUMBERS, min_size=4, max_size=4), ZETAS)
def test_rectangles_of_a_grid_add_up_to_one_and_reflect(numbers: list[float], z: float) -> None:
    ends_1, ends_2 = (np.array([-np.inf, *sorted(pair), np.inf]) for pair in (numbers[:2], numbers[2:]))
    a, c = (part.ravel() for part in np.meshgrid(ends_1[:-1], ends_2[:-1]))
    b, d = (part.ravel() for part in np.meshgrid(ends_1[1:], ends_2[1:]))
    zeta = np.full(9, z)
    cells = rectangle(a, b, c, d, zeta)
    np.testing.assert_allclose(cells, rectangle(c, d, a, b, zeta), atol=1e-13)
    np.testing.assert_allclose(cells, rectangle(-b, -a, c, d, -zeta), atol=1e-13)
    assert cells.sum() == pytest.approx(1, abs=1e-12)


def test_interval_terms_keep_their_digits_in_both_tails() -> None:
    lower = np.array([-np.inf, 30.0, -31.0, 8.0, -1.0, 0.5])
    upper = np.array([-30.0, np.inf, -30.0, 8.001, 1.0, 0.50001])
    log_probability, at_lower, at_upper = interval_terms(lower, upper)
    assert log_probability[0] == log_probability[1] == pytest.approx(stats.norm.logcdf(-30), rel=1e-14)
    assert log_probability[2] == pytest.approx(stats.norm.logcdf(-30) + np.log1p(-np.exp(-30.5) * 30 / 31), rel=1e-12)
    assert log_probability[3] == pytest.approx(np.log(0.001) + stats.norm.logpdf(8.0005), abs=1e-5)
    assert log_probability[4] == pytest.approx(np.log(special.erf(np.sqrt(0.5))), abs=1e-14)
    # Mills' ratio; an infinite end has no density.
    assert at_upper[0] == at_lower[1] == pytest.approx(30.0332, abs=1e-3)
    assert at_lower[0] == at_upper[1] == 0
    assert at_lower[5] == pytest.approx(1e5, rel=1e-4)


@settings(max_examples=60, deadline=None)
@given(NUMBERS, NUMBERS, st.floats(0.3, 3), st.floats(0.3, 3), st.floats(-2.5, 2.5), st.sampled_from([0, 1, 2, 3]))
def test_rectangle_derivatives_are_those_of_the_probability(
    a: float, c: float, width: float, height: float, z: float, open_ends: int
) -> None:
    ends_1, ends_2 = np.array([[a], [a + width]]), np.array([[c], [c + height]])
    if open_ends & 1:
        ends_1[0] = -np.inf
    if open_ends & 2:
        ends_2[1] = np.inf
    zeta = np.array([z])

    def probability(by_1: tuple[float, float] = (0, 0), by_2: tuple[float, float] = (0, 0)) -> float:
        moved_1, moved_2 = ends_1 + np.array(by_1)[:, None], ends_2 + np.array(by_2)[:, None]
        return float(rectangle(moved_1[0], moved_1[1], moved_2[0], moved_2[1], zeta)[0])

    here, e = probability(), 1e-4
    if here < 1e-4:
        return
    terms = rectangle_terms(ends_1, ends_2, zeta)
    assert terms.log_probability[0] == pytest.approx(np.log(here), rel=1e-12)
    up = (probability(by_1=(0, e)) - probability(by_1=(0, -e))) / (2 * e)
    low = (probability(by_2=(e, 0)) - probability(by_2=(-e, 0))) / (2 * e)
    assert terms.edge_1[1, 0] * here == pytest.approx(up, abs=1e-6)
    assert terms.edge_2[0, 0] * here == pytest.approx(low, abs=1e-6)
    both = density(ends_1[1], ends_2[0], zeta)
    assert terms.corner[1, 0, 0] * here == pytest.approx(-both[0], rel=1e-12)
    np.testing.assert_allclose(terms.corner[0, 0] * here, density(ends_1[0], ends_2[0], zeta), rtol=1e-12)


def test_density_is_the_bivariate_normal_density() -> None:
    covariance = [[1, -0.8], [-0.8, 1]]
    expected = stats.multivariate_normal([0, 0], covariance).pdf([0.3, -1.2])
    assert density(*one(0.3, -1.2, np.arctanh(-0.8)))[0] == pytest.approx(expected, rel=1e-13)
    assert density(*one(np.inf, 1.0, 0.4))[0] == 0
