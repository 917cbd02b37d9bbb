"""Standardised effects and detectable differences: known values, coverage, and consistency with power."""

import numpy as np
import pytest
from scipy import stats

from cytoshift.shift.censoring.censored_change import censored_change
from cytoshift.shift.censoring.pair_bounds import pair_bounds
from cytoshift.shift.classical.effects import (
    censored_effect,
    detectable_difference,
    hedges_factor,
    noncentrality_limits,
    paired_effect,
    standardised_by_baseline,
)

NAN = np.nan


def test_d_av_divides_by_the_average_spread_of_the_visits():
    before = np.array([1.0, 2.0, 3.0, 4.0, 5.0])[:, None]
    after = before + np.array([1.0, 1.5, 0.5, 1.0, 1.0])[:, None]
    found = paired_effect(before, after)
    average = np.sqrt((before.var(ddof=1) + after.var(ddof=1)) / 2)
    assert found.estimate[0] == pytest.approx(1.0 / average * 0.7978846, rel=1e-6)
    assert found.low[0] < found.estimate[0] < found.high[0]
    assert found.kind == "d_av"


def test_interval_covers_the_true_effect():
    generator = np.random.default_rng(6)
    subject = generator.normal(0, np.sqrt(0.7), size=(10, 4000))
    before, after = subject + generator.normal(0, np.sqrt(0.3), size=(2, 10, 4000))
    found = paired_effect(before, after + 0.8)
    # 3 binomial SE of 4,000 are 0.010; the interval is approximate (Algina & Keselman report 0.94–0.96).
    assert ((found.low < 0.8) & (found.high > 0.8)).mean() == pytest.approx(0.95, abs=0.02)


def test_only_complete_pairs_count():
    before = np.array([1.0, 2.0, 4.0, 100.0])[:, None]
    after = np.array([2.0, 2.5, 6.0, NAN])[:, None]
    assert paired_effect(before, after).estimate[0] == paired_effect(before[:3], after[:3]).estimate[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]), ([1.0, NAN, 3.0], [NAN, 2.0, 4.0]), ([2.0, 2.0, 2.0], [2.0, 2.0, 2.0])],
)
def test_no_spread_of_changes_gives_no_interval(before, after):
    found = paired_effect(np.array(before)[:, None], np.array(after)[:, None])
    assert np.isnan([found.low[0], found.high[0]]).all()


def test_a_censored_effect_hardly_moves_with_one_non_detect():
    """The lowest of 40 values hidden below a limit just above it."""
    generator = np.random.default_rng(12)
    subject = generator.normal(5, 1, size=20)
    before, after = subject + generator.normal(0, 0.4, size=(2, 20)) + np.array([[0.0], [0.5]])
    lowest, limit = before.argmin(), np.sort(np.concatenate([before, after]))[1] - 0.01
    lower, upper = before.copy(), before.copy()
    lower[lowest], upper[lowest] = -np.inf, limit
    found = censored_change(pair_bounds(lower[:, None], upper[:, None], after[:, None], after[:, None]))
    effect = censored_effect(found.estimates.estimate, found.sd, found.estimates.n)
    complete = paired_effect(before[:, None], after[:, None])
    assert effect.estimate[0] == pytest.approx(complete.estimate[0], rel=0.05)
    assert effect.estimate[0] != complete.estimate[0]
    assert effect.kind == "d_av_censored"
    assert np.isnan([effect.low[0], effect.high[0]]).all()


def test_a_censored_effect_needs_a_spread_and_three_pairs():
    found = censored_effect([0.5, 0.5, 0.5, NAN], [1.0, 1.0, 0.0, 1.0], [10, 2, 10, 10]).estimate
    assert found[0] == pytest.approx(0.5 / np.sqrt(10 / 9) * hedges_factor(9))
    assert np.isnan(found[1:]).all()


def test_baseline_spread_standardises_a_model_estimate():
    baseline = np.array([[1.0, 5.0], [3.0, 5.0], [NAN, 5.0], [5.0, 5.0]])
    np.testing.assert_allclose(standardised_by_baseline(np.array([1.0, 1.0]), baseline), [0.5, NAN])


def test_hedges_factor_at_known_degrees_of_freedom():
    np.testing.assert_allclose(hedges_factor([2, 10, 1]), [0.5641896, 0.9227456, NAN], rtol=1e-6)


def test_noncentrality_limits_put_the_statistic_at_the_tails():
    statistic, df = np.array([-3.0, 0.0, 2.2, 9.0]), np.array([3.0, 7.0, 7.0, 40.0])
    low, high = noncentrality_limits(statistic, df, level=0.9)
    np.testing.assert_allclose(stats.nct.cdf(statistic, df, low), 0.95, atol=1e-9)
    np.testing.assert_allclose(stats.nct.cdf(statistic, df, high), 0.05, atol=1e-9)


def test_every_realistic_statistic_has_limits_and_they_mirror():
    statistic, df = np.meshgrid(np.linspace(0.0, 30, 61), [1, 2, 5, 8, 25, 41, 57, 100])
    low, high = noncentrality_limits(statistic, df)
    assert (low < high).all()
    mirrored_low, mirrored_high = noncentrality_limits(-statistic, df)
    np.testing.assert_allclose(mirrored_low, -high, atol=1e-10)
    np.testing.assert_allclose(mirrored_high, -low, atol=1e-10)


@pytest.mark.parametrize(("effect", "subjects"), [(0.2, 393), (0.5, 64), (0.8, 26)])
def test_cohens_sample_sizes_for_two_arms(effect, subjects):
    """Cohen 1988, table 2.4.1: subjects per arm for 80 % power at two-sided 0.05 (0.2 needs 393.4, printed as 393)."""
    assert detectable_difference(1.0, subjects + 1, subjects + 1) < effect
    assert detectable_difference(1.0, subjects - 1, subjects - 1) > effect


def test_detectable_difference_is_found_with_the_stated_power():
    generator = np.random.default_rng(16)
    shift = detectable_difference(2.0, 12, 7)
    target, reference = generator.normal(shift, 2.0, size=(12, 20000)), generator.normal(0, 2.0, size=(7, 20000))
    # 3 binomial SE of 20,000 at 0.8 are 0.0085.
    assert (stats.ttest_ind(target, reference).pvalue < 0.05).mean() == pytest.approx(0.8, abs=0.0085)


def test_detectable_difference_by_feature_with_too_few_pairs_left_empty():
    found = detectable_difference(np.array([1.0, 2.0, 1.0, NAN]), np.array([10, 10, 1, 10]))
    assert found[1] == pytest.approx(2 * found[0])
    assert np.isnan(found[2:]).all()


@pytest.mark.parametrize(("power", "alpha"), [(0.8, 5), (0.01, 0.05), (80, 0.05)])
def test_impossible_power_is_refused(power, alpha):
    with pytest.raises(ValueError, match="power"):
        detectable_difference(1.0, 8, power=power, alpha=alpha)
