"""Moderated t: borrows spread when there is enough to borrow from, says so when there is not, keeps its size."""

import numpy as np
import pytest
from scipy import special

from cytoshift.shift.classical.arms import welch_t
from cytoshift.shift.classical.moderation import fit_prior, invert_trigamma, mean_level, moderate
from cytoshift.shift.classical.paired import paired_t


def null_changes(generator, pairs, features, prior_df=6.0):
    """Changes without a shift whose variances follow the prior that moderation assumes."""
    spread = np.sqrt(0.4 * prior_df / generator.chisquare(prior_df, features))
    return generator.normal(size=(pairs, features)) * spread


def test_size_at_eight_pairs_is_nominal_and_holds_in_the_noisiest_quarter():
    generator = np.random.default_rng(20261122)
    rejected, noisy = [], []
    for _ in range(100):
        plain = paired_t(null_changes(generator, 8, 200))
        found = moderate(plain, fit_prior(plain.residual_variance, plain.df))
        rejected.append(found.p_value < 0.05)
        noisy.append((found.p_value < 0.05)[plain.residual_variance > np.quantile(plain.residual_variance, 0.75)])
    # 20,000 tests: 3 binomial SE are 0.0046.
    assert np.mean(rejected) == pytest.approx(0.05, abs=0.0046)
    assert np.mean(noisy) < 0.06


def test_a_shift_is_found_more_often_than_by_the_plain_t():
    generator = np.random.default_rng(5)
    plain = paired_t(null_changes(generator, 6, 3000, prior_df=20.0) + 0.6)
    found = moderate(plain, fit_prior(plain.residual_variance, plain.df))
    assert (found.p_value < 0.05).mean() > (plain.p_value < 0.05).mean() + 0.05
    np.testing.assert_array_equal(found.estimate, plain.estimate)
    assert (found.method, found.p_method, found.ci_method) == ("moderated_paired_t", "moderated_t", "moderated_t")


@pytest.mark.parametrize(
    ("pairs", "features", "reason"),
    [
        (9, 19, "not moderated: 20 features with a variance needed, 19 found"),
        (5, 40, "not moderated: 5 residual degrees of freedom needed, 4 typical"),
    ],
)
def test_too_little_to_learn_from_moderates_nothing_and_says_so(pairs, features, reason):
    plain = paired_t(null_changes(np.random.default_rng(2), pairs, features))
    prior = fit_prior(plain.residual_variance, plain.df)
    found = moderate(plain, prior)
    assert prior.reason == reason
    assert set(found.note) == {reason}
    np.testing.assert_array_equal(found.p_value, plain.p_value)
    assert found.method == "paired_t"


@pytest.mark.parametrize(("pairs", "features"), [(6, 20), (9, 20)])
def test_just_enough_is_moderated(pairs, features):
    plain = paired_t(null_changes(np.random.default_rng(2), pairs, features))
    assert fit_prior(plain.residual_variance, plain.df).reason == ""


def test_welch_has_no_single_variance_to_squeeze():
    generator = np.random.default_rng(4)
    plain = welch_t(generator.normal(size=(9, 30)), generator.normal(size=(8, 30)))
    assert fit_prior(plain.residual_variance, plain.df).features == 0


def test_features_full_of_non_detects_do_not_shape_the_prior_but_are_moderated():
    change = null_changes(np.random.default_rng(8), 9, 60)
    change[:, :20] *= 0.01
    plain = paired_t(change)
    trusted = np.arange(60) >= 20
    prior = fit_prior(plain.residual_variance, plain.df, use=trusted)
    alone = fit_prior(plain.residual_variance[20:], plain.df[20:])
    assert prior.features == 40
    assert set(prior.variance) == set(alone.variance)
    assert set(prior.df) == set(alone.df)
    assert (moderate(plain, prior).df > plain.df).all()


@pytest.mark.parametrize("robust", [False, True])
def test_features_without_spread_or_pairs_are_left_as_they_are(robust):
    change = null_changes(np.random.default_rng(9), 9, 50)
    change[:, 0] = 0.25
    change[1:, 1] = np.nan
    plain = paired_t(change)
    found = moderate(plain, fit_prior(plain.residual_variance, plain.df, robust=robust))
    assert np.isnan(found.p_value[:2]).all()
    assert found.note[0] == "all changes are equal: no interval and no p-value"
    assert found.note[1] == "2 pairs needed, 1 found"
    assert not np.isnan(found.p_value[2:]).any()


def test_robust_prior_gives_an_outlying_variance_little_weight():
    change = null_changes(np.random.default_rng(10), 9, 100, prior_df=30.0)
    change[:, 3] *= 60
    plain = paired_t(change)
    prior = fit_prior(plain.residual_variance, plain.df, robust=True)
    common = fit_prior(plain.residual_variance, plain.df)
    assert prior.df[3] < 1
    assert np.median(prior.df) > 2 * common.df[3]


def test_identical_variances_share_one_prior():
    prior = fit_prior(np.full(30, 0.7), np.full(30, 8.0))
    assert np.isinf(prior.df).all()
    assert prior.variance == pytest.approx(0.7)


@pytest.mark.parametrize("robust", [False, True])
def test_a_trend_gives_each_level_its_own_prior_and_keeps_the_size_at_both_ends(robust):
    generator = np.random.default_rng(11)
    level = np.linspace(2, 10, 400)
    spread = np.exp(1 - 0.25 * level)
    rejected = []
    for _ in range(20):
        before = level + null_changes(generator, 8, 400, prior_df=12.0) * spread
        after = level + null_changes(generator, 8, 400, prior_df=12.0) * spread
        plain = paired_t(after - before)
        prior = fit_prior(plain.residual_variance, plain.df, trend=mean_level(before, after), robust=robust)
        rejected.append(moderate(plain, prior).p_value < 0.05)
        assert prior.variance[level < 3].min() > 4 * prior.variance[level > 9].max()
    # 2,000 tests at either end: 3 binomial SE are 0.015.
    low, high = np.mean(rejected, axis=0)[:100], np.mean(rejected, axis=0)[-100:]
    assert low.mean() == pytest.approx(0.05, abs=0.015)
    assert high.mean() == pytest.approx(0.05, abs=0.015)


def test_features_of_one_level_have_no_trend():
    plain = paired_t(null_changes(np.random.default_rng(12), 9, 60))
    flat = fit_prior(plain.residual_variance, plain.df, trend=np.full(60, 4.0))
    without = fit_prior(plain.residual_variance, plain.df)
    np.testing.assert_array_equal(flat.variance, without.variance)
    np.testing.assert_array_equal(flat.df, without.df)


def test_a_feature_without_a_level_cannot_follow_a_trend():
    change = null_changes(np.random.default_rng(13), 9, 30)
    change[:, 7] = np.nan
    plain = paired_t(change)
    level = mean_level(change, change + 1)
    assert np.isnan(level[7])
    assert np.isnan(moderate(plain, fit_prior(plain.residual_variance, plain.df, trend=level)).p_value).sum() == 1
    level[3] = np.nan
    with pytest.raises(ValueError, match="level of each of the 30 features"):
        fit_prior(plain.residual_variance, plain.df, trend=level)


@pytest.mark.parametrize("value", [1e-9, 1e-5, 0.03, 1.0, 250.0, 1e8])
def test_trigamma_is_inverted(value):
    assert special.polygamma(1, invert_trigamma(value)) == pytest.approx(value, rel=1e-3 if value > 1e7 else 1e-6)


def test_a_prior_for_other_features_is_refused():
    plain = paired_t(null_changes(np.random.default_rng(2), 9, 30))
    with pytest.raises(ValueError, match="prior is for 29 features"):
        moderate(plain, fit_prior(plain.residual_variance[1:], plain.df[1:]))
