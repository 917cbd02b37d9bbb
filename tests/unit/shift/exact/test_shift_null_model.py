"""Residuals of the model without arm, and residual permutation for arms that were not randomised."""

import numpy as np
import pytest

from cytoshift.shift.exact.flips import contrast_rng
from cytoshift.shift.exact.max_t import max_t
from cytoshift.shift.exact.null_model import freedman_lane_orbit, null_scores
from cytoshift.shift.exact.rearrangements import two_sided_p


def least_squares(outcome: np.ndarray, columns: np.ndarray) -> np.ndarray:
    present = ~np.isnan(outcome) & ~np.isnan(columns).any(axis=1)
    design = np.column_stack([np.ones(present.sum()), columns[present]])
    fit = design @ np.linalg.lstsq(design, outcome[present], rcond=None)[0]
    residual = np.full(len(outcome), np.nan)
    residual[present] = outcome[present] - fit
    return residual


def test_residuals_are_those_of_one_regression_per_feature() -> None:
    rng = np.random.default_rng(1)
    outcome = rng.normal(5, 1, size=(20, 300))
    outcome[rng.random(outcome.shape) < 0.1] = np.nan
    columns = np.column_stack([rng.normal(45, 9, size=20), rng.integers(0, 2, 20), rng.normal(1e6, 10, size=20)])
    columns[3, 0] = np.nan
    expected = np.column_stack([least_squares(feature, columns) for feature in outcome.T])
    np.testing.assert_allclose(null_scores(outcome, columns), expected, atol=1e-8)
    assert np.isnan(null_scores(outcome, columns)[3]).all()


def test_each_feature_may_have_its_own_baseline() -> None:
    rng = np.random.default_rng(2)
    baseline, age = rng.normal(size=(15, 4)), rng.normal(45, 9, size=15)
    outcome = 0.6 * baseline + rng.normal(size=(15, 4))
    columns = np.stack([np.column_stack([own, age]) for own in baseline.T])
    expected = np.column_stack([least_squares(outcome[:, j], columns[j]) for j in range(4)])
    np.testing.assert_allclose(null_scores(outcome, columns), expected, atol=1e-10)


def test_without_covariates_the_mean_is_removed() -> None:
    np.testing.assert_allclose(null_scores(np.array([[1.0], [2.0], [np.nan], [6.0]]))[:, 0], [-2, -1, np.nan, 3])


def test_a_redundant_covariate_changes_nothing_and_a_perfect_fit_leaves_nothing() -> None:
    rng = np.random.default_rng(3)
    age, outcome = rng.normal(45, 9, size=12), rng.normal(size=(12, 2))
    np.testing.assert_allclose(
        null_scores(outcome, np.column_stack([age, 2 * age + 1])), null_scores(outcome, age[:, None]), atol=1e-10
    )
    assert (null_scores(3 * age[:, None] + 0.1, age[:, None]) == 0).all()


def test_covariates_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit outcomes of 5 subjects"):
        null_scores(np.ones((5, 2)), np.ones((4, 1)))
    with pytest.raises(ValueError, match="covariate is missing"):
        freedman_lane_orbit(
            np.ones((5, 2)), np.arange(5) < 2, np.full((5, 1), np.nan), draws=9, rng=contrast_rng(1, "a")
        )


def test_residual_permutation_finds_an_arm_effect_and_ignores_the_covariate() -> None:
    rng = np.random.default_rng(4)
    target, age = np.arange(30) < 14, rng.normal(45, 9, size=30)
    outcome = rng.normal(size=(30, 3)) + 0.5 * age[:, None]
    outcome[:, 0] += 3 * target
    outcome[2, 1] = np.nan
    orbit = freedman_lane_orbit(outcome, target, age[:, None], draws=499, rng=contrast_rng(1, "a"))
    p_values = two_sided_p(orbit)
    assert not orbit.complete
    assert p_values[0] == 1 / 500
    assert (p_values[1:] > 0.05).all()
    family = max_t(orbit)
    assert family.step_down[0] == 1 / 500
    np.testing.assert_array_equal(max_t(orbit, batch=17).step_down, family.step_down)


def test_residual_permutation_keeps_its_level_when_the_covariate_differs_between_arms() -> None:
    rng = np.random.default_rng(5)
    target = np.arange(20) < 10
    age = rng.normal(45, 9, size=20) + 8 * target
    outcome = rng.standard_t(4, size=(20, 2000)) + 0.3 * age[:, None]
    orbit = freedman_lane_orbit(outcome, target, age[:, None], draws=999, rng=contrast_rng(2, "a"))
    size = np.mean(two_sided_p(orbit) <= 0.05)
    assert abs(size - 0.05) <= 3 * np.sqrt(0.05 * 0.95 / 2000)


def test_an_arm_that_the_covariates_explain_cannot_be_tested() -> None:
    rng = np.random.default_rng(6)
    target = np.arange(12) < 6
    orbit = freedman_lane_orbit(rng.normal(size=(12, 2)), target, target[:, None] * 1.0, draws=99, rng=rng)
    assert not orbit.defined.any()
    np.testing.assert_array_equal(two_sided_p(orbit), [1, 1])
