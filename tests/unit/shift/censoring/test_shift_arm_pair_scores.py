"""Scores of an arm effect with non-detects: blind to the arms, residuals where every value is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arm_pair_draws import INF, DrawnArms, draw_arms
from cytoshift.shift.censoring.arm_pair_design import arm_design
from cytoshift.shift.censoring.arm_pair_fit import fit_arm_pairs, fixed_parameters, starting_values
from cytoshift.shift.censoring.arm_pair_scores import arm_pair_scores
from cytoshift.shift.censoring.censored_arms import censored_ancova, censored_change_of_arms
from cytoshift.shift.censoring.pair_bounds import pair_bounds
from cytoshift.shift.exact.global_test import global_test
from cytoshift.shift.exact.max_t import max_t
from cytoshift.shift.exact.null_model import null_scores
from cytoshift.shift.exact.relabelling import arm_relabellings, relabelling_orbit, relabelling_test

# 0, 30 and 60 % non-detects, limits that differ between members.
ORBITS = {
    "no non-detects": {"below": 0.0},
    "30 %, limits differ": {"below": 0.3, "differ": 0.5},
    "60 %, limits differ": {"below": 0.6, "differ": 0.5},
    "both ends, missing": {"below": 0.2, "above": 0.2, "missing": 0.1},
}


def assert_exact(p_values: np.ndarray) -> None:
    """No level k/N is exceeded by more than k of the N equally likely data sets."""
    size = len(p_values)
    reached = np.sort(np.rint(p_values * size))
    assert (np.searchsorted(reached, np.arange(size + 1), side="right") <= np.arange(size + 1)).all()


@pytest.mark.parametrize("change", [False, True])
@pytest.mark.parametrize("name", ORBITS)
def test_orbit(name: str, change: bool) -> None:
    strata = np.array(["a"] * 4 + ["b"] * 5)
    arm = np.array([1, 0, 1, 0, 1, 1, 0, 0, 0], dtype=bool)
    study = draw_arms(9, 4, **ORBITS[name], seed=3)
    single, family, together = [], [], []
    # Had other labels been drawn, the scores would be these: nobody tells them the arm.
    scores = arm_pair_scores(*study.limits, study.age, change=change)
    for labels in arm_relabellings(arm, strata).weights.T:
        own = arm_relabellings(labels == 1, strata)
        single.append(relabelling_test(scores, labels == 1, own, strata).p_value)
        orbit = relabelling_orbit(scores, labels == 1, own, strata)
        family.append(max_t(orbit).step_down.min())
        together.append(global_test(orbit, np.ones(4)).p_value)
    for p_values in (*np.array(single).T, np.array(family), np.array(together)):
        assert_exact(p_values)
    assert np.min(single) < 0.2


@pytest.mark.parametrize("change", [False, True])
def test_scores_of_known_values_are_residuals(change: bool) -> None:
    # Intervals too narrow to say anything go through the fit; known values do not.
    study = draw_arms(12, 6, below=0.0, missing=0.05, seed=5)
    x, y = study.limits[0], study.limits[2]
    narrow = (x - 1e-6, x + 1e-6, y, y)
    columns = np.broadcast_to(study.age, (6, 12, 1))
    baseline = np.where(np.isnan(y), np.nan, x).T[:, :, None]
    expected = null_scores(np.where(np.isnan(x), np.nan, y), np.concatenate([columns, baseline], axis=2))
    if change:
        expected = null_scores(y - x, study.age)
    for limits in (study.limits, narrow):
        ratio = arm_pair_scores(*limits, study.age, change=change) / expected
        middle = np.nanmedian(ratio, axis=0)
        assert (middle > 0).all()
        np.testing.assert_allclose(ratio[~np.isnan(expected)], np.tile(middle, (12, 1))[~np.isnan(expected)], rtol=1e-9)


def test_a_score_is_the_slope_of_the_likelihood_without_arm() -> None:
    study = draw_arms(12, 8, below=0.35, seed=6)
    scores = arm_pair_scores(*study.limits, study.age)
    data = arm_design(pair_bounds(*study.limits), study.arm, study.age, ()).data()
    fixed = fixed_parameters(data, np.zeros((2, 8), dtype=bool), arms_alike_before=True)
    fixed[:, data.delta] = True
    null = fit_arm_pairs(data, starting_values(data, fixed, np.zeros((2, 8))) * ~fixed, fixed)
    arm = null_scores(study.arm[:, None], study.age)[:, 0]
    slope = null.gradient[:, data.delta] * data.exposure_unit / data.scale
    np.testing.assert_allclose(arm @ scores, slope, rtol=1e-6, atol=1e-6)


@settings(max_examples=8, deadline=None)
@given(st.integers(6, 14), st.integers(0, 10_000), st.sampled_from(sorted(ORBITS)), st.booleans())
def test_scores_are_orthogonal_to_covariates(n: int, seed: int, name: str, change: bool) -> None:
    study = draw_arms(n, 3, **ORBITS[name], seed=seed)
    scores = np.nan_to_num(arm_pair_scores(*study.limits, study.age, change=change))
    design = arm_design(pair_bounds(*study.limits), np.zeros(n), study.age, ())
    data = design.data()
    opening = np.zeros((2, 3))
    fixed = fixed_parameters(data, opening != 0, arms_alike_before=True)
    fit = fit_arm_pairs(data, starting_values(data, fixed, opening), fixed)
    sound = fit.settled & (fit.still == fixed).all(axis=1)
    together = np.abs(np.column_stack([np.ones(n), study.age]).T @ scores)
    assert (together[:, sound] <= 1e-6 * np.abs(scores).sum(axis=0)[sound] + 1e-9).all()


@pytest.mark.parametrize("change", [False, True])
def test_scores_lead_where_the_likelihood_leads(change: bool) -> None:
    study = draw_arms(24, 150, below=0.3, effect=0.6, seed=9)
    test = censored_change_of_arms if change else censored_ancova
    likelihood = test(*study.limits, study.arm, study.age).statistic
    scores = arm_pair_scores(*study.limits, study.age, change=change)
    relabellings = arm_relabellings(study.arm == 1, draws=10, max_exact=1, rng=np.random.default_rng(1))
    exact = relabelling_orbit(scores, study.arm == 1, relabellings).observed()
    assert np.corrcoef(exact, likelihood)[0, 1] > 0.97


def test_the_change_score_does_not_see_a_difference_that_was_there_from_the_start() -> None:
    study = draw_arms(24, 200, below=0.25, before=1.2, rho=0.5, seed=10)
    relabellings = arm_relabellings(study.arm == 1, draws=10, max_exact=1, rng=np.random.default_rng(1))

    def middle(change: bool) -> float:
        scores = arm_pair_scores(*study.limits, study.age, change=change)
        return float(np.mean(relabelling_orbit(scores, study.arm == 1, relabellings).observed()))

    assert abs(middle(True)) < 0.3
    assert middle(False) > 0.6


def test_what_says_nothing_scores_nothing() -> None:
    below = np.full((6, 1), -INF), np.full((6, 1), 2.0)
    known = np.array([3, 4, 5, 4.5, 3.5, 3.2])[:, None]
    some = np.where(known < 3.3, -INF, known), np.where(known < 3.3, 3.3, known)
    assert (arm_pair_scores(*some, *below) == 0).all()
    # A change of which one end is nowhere has no score; the target values without a baseline have one.
    assert (arm_pair_scores(*below, *some, change=True) == 0).all()
    scores = arm_pair_scores(*below, known, known)
    np.testing.assert_allclose(scores / null_scores(known), np.full((6, 1), scores[0] / null_scores(known)[0]))


def test_unknown_covariates_and_pairs_have_no_score() -> None:
    study = draw_arms(10, 4, below=0.3, seed=1)
    limits = tuple(part.copy() for part in study.limits)
    limits[2][4, 1] = np.nan
    age = study.age.copy()
    age[7] = np.nan
    scores = arm_pair_scores(*limits, age)
    expected = np.zeros((10, 4), dtype=bool)
    expected[4, 1] = expected[7] = True
    np.testing.assert_array_equal(np.isnan(scores), expected)


def test_scores_of_an_analyte_do_not_depend_on_the_others() -> None:
    study = draw_arms(11, 30, below=0.4, missing=0.05, seed=3)
    alone: DrawnArms = study.take(np.array([13]))
    for change in (False, True):
        whole = arm_pair_scores(*study.limits, study.age, change=change)[:, 13]
        np.testing.assert_array_equal(arm_pair_scores(*alone.limits, alone.age, change=change)[:, 0], whole)
