"""The search that climbs the likelihoods of many analytes at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from cytoshift.shift.censoring.climb import BoundedPlace, Rows, Slope, climb_within, newton_direction, only_finite
from cytoshift.shift.censoring.pair_likelihood import Likelihood

FREE = np.zeros(2, dtype=bool)
NO_LIMIT = np.full(2, np.inf)


@dataclass(frozen=True)
class Counts(Rows):
    """Counts under two conditions, of `exposure` (analytes, 2): ℓ = Σ y·η − m·e^η with the rates e^η to be found."""

    count: np.ndarray
    exposure: np.ndarray


def poisson(data: Counts, parameters: np.ndarray) -> Likelihood:
    """Concave, with its maximum at η = log(y/m); e^η overflows far away."""
    with np.errstate(over="ignore", invalid="ignore"):
        expected = data.exposure * np.exp(parameters)
        value = (data.count * parameters - expected).sum(axis=1)
    bend = np.zeros((len(value), 2, 2))
    bend[:, [0, 1], [0, 1]] = -expected
    return Likelihood(value, data.count - expected, bend)


def draw(analytes: int) -> Counts:
    rng = np.random.default_rng(4)
    return Counts(rng.integers(1, 400, size=(analytes, 2)).astype(float), rng.uniform(0.5, 20, size=(analytes, 2)))


def slope(highest: np.ndarray = NO_LIMIT, *, step: float = 1.0, by_cholesky: bool = False) -> Slope:
    return Slope(-NO_LIMIT, highest, lambda parameters: np.full_like(parameters, step), 1e-300, by_cholesky)


def climbed(data: Counts, how: Slope, start: float = 0.0, fixed: np.ndarray = FREE) -> BoundedPlace:
    begin = np.full(data.count.shape, start)
    return climb_within(data, poisson, begin, fixed, how, steps=60, settled=1e-18)


@pytest.mark.parametrize("by_cholesky", [False, True])
@pytest.mark.parametrize("start", [-4.0, 0.0, 9.0])
def test_the_top_is_found_from_anywhere(start: float, by_cholesky: bool) -> None:
    data = draw(50)
    top = climbed(data, slope(by_cholesky=by_cholesky), start)
    np.testing.assert_allclose(top.parameters, np.log(data.count / data.exposure), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(top.log_likelihood, poisson(data, top.parameters).value)
    assert (top.decrement <= 1e-18).all()
    assert not top.still.any()


def test_a_range_holds_its_parameter_and_leaves_the_other_free() -> None:
    data = Counts(np.array([[20.0, 3.0], [2.0, 3.0]]), np.ones((2, 2)))
    top = climbed(data, slope(np.array([1.0, np.inf])))
    np.testing.assert_allclose(top.parameters, [[1.0, np.log(3)], [np.log(2), np.log(3)]], rtol=1e-9)
    assert top.held.tolist() == [[True, False], [False, False]]
    assert top.gradient[0, 0] > 0


def test_a_fixed_parameter_stays_and_is_not_held() -> None:
    data = draw(6)
    top = climbed(data, slope(), 0.5, np.array([False, True]))
    assert (top.parameters[:, 1] == 0.5).all()
    np.testing.assert_allclose(top.parameters[:, 0], np.log(data.count / data.exposure)[:, 0], rtol=1e-9, atol=1e-9)
    assert top.still[:, 1].all()
    assert not top.held.any()


def test_a_step_to_where_numbers_overflow_is_taken_back() -> None:
    # From η = −8 Newton's step is e⁸ long and ends where e^η is infinite.
    data = Counts(np.full((1, 2), 40.0), np.ones((1, 2)))
    assert not np.isfinite(poisson(data, np.full((1, 2), -8 + 40 * np.exp(8))).value[0])
    top = climbed(data, slope(step=1e9), -8.0)
    np.testing.assert_allclose(top.parameters, np.log(40), rtol=1e-9)


def test_a_search_that_begins_nowhere_stays_there() -> None:
    data = draw(3)
    start = np.array([[0.0, 0.0], [800.0, 0.0], [1.0, 1.0]])
    top = climb_within(data, poisson, start, FREE, slope(), steps=60, settled=1e-18)
    assert top.log_likelihood[1] == -np.inf
    np.testing.assert_array_equal(top.parameters[1], start[1])
    np.testing.assert_allclose(top.gradient[[0, 2]], 0, atol=1e-6)


def test_what_is_not_finite_is_worse_than_anything() -> None:
    bend = np.tile(np.eye(2), (3, 1, 1))
    bend[2, 0, 1] = np.nan
    found = only_finite(Likelihood(np.array([1.0, np.nan, 3.0]), np.ones((3, 2)), bend))
    assert found.value.tolist() == [1.0, -np.inf, -np.inf]
    assert found.gradient.tolist() == [[1, 1], [0, 0], [0, 0]]
    np.testing.assert_array_equal(found.hessian, np.array([1, -1, -1])[:, None, None] * np.eye(2))


@pytest.mark.parametrize("by_cholesky", [False, True])
def test_an_analyte_does_not_depend_on_its_neighbours(by_cholesky: bool) -> None:
    data, how = draw(40), slope(by_cholesky=by_cholesky)
    together = climbed(data, how, -3.0)
    for number in (0, 17, 39):
        mask = np.arange(40) == number
        alone = climbed(data.take(mask), how, -3.0)
        for name, values in vars(alone).items():
            np.testing.assert_array_equal(getattr(together, name)[mask], values)


def test_no_analytes_are_no_trouble() -> None:
    none = np.zeros(4, dtype=bool)
    top = climbed(draw(4).take(none), slope())
    assert top.parameters.shape == (0, 2)


@pytest.mark.parametrize("by_cholesky", [False, True])
def test_the_direction_goes_up_where_the_likelihood_bends_the_wrong_way(by_cholesky: bool) -> None:
    # −∇² is diag(2, 3), then diag(2, −3): of the second the size counts.
    hessian, still = -np.array([np.diag([2.0, 3.0]), np.diag([2.0, -3.0])]), np.zeros((2, 2), dtype=bool)
    right = np.array([[1.0, 1.0], [1.0, 1.0]])
    found = newton_direction(right, hessian, still, least=1e-300, by_cholesky=by_cholesky)
    np.testing.assert_allclose(found, [[1 / 2, 1 / 3], [1 / 2, 1 / 3]], rtol=1e-12)
    still[:, 0] = True
    found = newton_direction(right, hessian, still, least=1e-300, by_cholesky=by_cholesky)
    np.testing.assert_allclose(found, [[0, 1 / 3], [0, 1 / 3]], rtol=1e-12)
