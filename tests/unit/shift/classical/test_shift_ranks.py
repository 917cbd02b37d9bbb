"""Rank tests: exact by enumeration, ties and zeros included; Hodges–Lehmann intervals that agree with them."""

import itertools

import numpy as np
import pytest
from scipy import stats

from cytoshift.shift.classical.ranks import (
    hodges_lehmann,
    hodges_lehmann_shift,
    matched_rank_biserial,
    rank_sum,
    signed_rank,
)

NAN = np.nan

CHANGES = {
    "no ties": [0.3, -1.2, 2.5, 0.9, 1.7, -0.4, 3.1],
    "ties": [0.5, 0.5, -0.5, 1.0, 1.0, 1.5, -2.0, 2.0],
    "zeros": [0.0, 0.0, 1.0, 2.0, -3.0, 4.0, 5.0],
    "ties after subtraction": [0.3 - 0.1, 0.2, -(0.4 - 0.2), 0.7 - 0.1, 0.6, 1.0, 0.1 + 0.2 - 0.3],
    "one pair": [1.4],
}


def enumerated_signed_rank(change):
    change = np.round(np.array(change), 9)
    ranks = np.where(change != 0, stats.rankdata(np.abs(change)), 0.0)
    centre = ranks.sum() / 2
    seen = abs(ranks[change > 0].sum() - centre)
    sums = [np.dot(signs, ranks) for signs in itertools.product([0, 1], repeat=len(ranks))]
    return np.mean([abs(total - centre) >= seen - 1e-9 for total in sums])


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_signed_rank_counts_every_assignment_of_signs(change):
    assert signed_rank(np.array(change)[:, None]).p_value[0] == pytest.approx(enumerated_signed_rank(change), abs=1e-14)


@pytest.mark.parametrize(
    ("target", "reference"),
    [
        ([2.1, 3.4, 5.6, 1.2], [0.3, 1.1, 2.0]),
        ([1.0, 1.0, 2.0, 5.0], [1.0, 0.5, 0.5, 2.0, 3.0]),
        ([4.0, 4.0], [1.0, 1.0, 1.0, 2.0, 1.0, 1.0]),
        ([0.3 - 0.1, 0.5], [0.2, 0.2, 0.1]),
    ],
)
def test_rank_sum_counts_every_labelling(target, reference):
    pooled = stats.rankdata(np.round(target + reference, 9))
    centre = len(target) * pooled.mean()
    seen = abs(pooled[: len(target)].sum() - centre)
    sums = [sum(chosen) for chosen in itertools.combinations(pooled, len(target))]
    expected = np.mean([abs(total - centre) >= seen - 1e-9 for total in sums])
    found = rank_sum(np.array(target)[:, None], np.array(reference)[:, None])
    assert found.p_value[0] == pytest.approx(expected, abs=1e-14)
    swapped = rank_sum(np.array(reference)[:, None], np.array(target)[:, None])
    assert swapped.p_value[0] == pytest.approx(expected, abs=1e-14)
    assert swapped.estimate[0] == -found.estimate[0]


@pytest.mark.parametrize("values", [[0.5, 1.0, 1.0, 2.0, 0.0, 2.0, 3.0], [0.2, 0.7, 1.1, 1.9, 2.3, 3.0, 4.2]])
def test_signed_rank_is_exact_on_its_orbit(values):
    """Over all swaps of the pairs, p ≤ k/2^n happens at most k times."""
    orbit = np.array([np.array(signs) * values for signs in itertools.product([-1, 1], repeat=len(values))]).T
    p_values = np.sort(signed_rank(orbit).p_value)
    for count in range(1, p_values.size + 1):
        assert (p_values <= count / p_values.size + 1e-12).sum() <= count


def test_features_with_their_own_missing_pairs_are_tested_apart():
    generator = np.random.default_rng(3)
    change = np.round(generator.normal(size=(9, 30)), 1)
    change[generator.random(change.shape) < 0.2] = NAN
    together = signed_rank(change)
    for feature in range(30):
        complete = change[~np.isnan(change[:, feature]), feature]
        assert together.p_value[feature] == pytest.approx(enumerated_signed_rank(complete), abs=1e-13)
        assert together.n[feature] == complete.size


def test_hodges_lehmann_by_hand():
    found = hodges_lehmann(np.array([[1.0], [2.0], [6.0]]))
    assert found.estimate[0] == np.median([1, 2, 6, 1.5, 3.5, 4])


def test_zeros_are_kept_in_the_estimate():
    assert hodges_lehmann(np.array([0.0, 0.0, 0.0, 4.0])[:, None]).estimate[0] == 0.0


def test_interval_and_test_agree_without_ties():
    change = np.random.default_rng(12).normal(0.4, 1, size=(10, 300))
    found = signed_rank(change)
    outside = (found.ci_low > 0) | (found.ci_high < 0)
    np.testing.assert_array_equal(outside, found.p_value <= 1 - found.coverage[0] + 1e-12)
    assert 0.95 <= found.coverage[0] < 0.96


def test_rank_sum_interval_and_test_agree_without_ties():
    generator = np.random.default_rng(13)
    found = rank_sum(generator.normal(0.8, 1, size=(7, 300)), generator.normal(size=(8, 300)))
    outside = (found.ci_low > 0) | (found.ci_high < 0)
    np.testing.assert_array_equal(outside, found.p_value <= 1 - found.coverage[0] + 1e-12)
    assert 0.95 <= found.coverage[0] < 0.97


def test_coarse_values_are_covered_at_least_as_often_as_promised():
    change = np.round(np.random.default_rng(14).normal(size=(9, 4000)))
    found = hodges_lehmann(change)
    assert ((found.low <= 0) & (found.high >= 0)).mean() >= found.coverage[0]


@pytest.mark.parametrize(("pairs", "bounded"), [(5, False), (6, True)])
def test_five_pairs_cannot_bound_a_95_percent_interval(pairs, bounded):
    found = signed_rank(np.arange(1.0, pairs + 1)[:, None])
    assert np.isfinite([found.ci_low[0], found.ci_high[0]]).all() == bounded
    assert found.note[0] == ("" if bounded else "5 pairs are too few for a bounded 0.95 interval")
    assert found.coverage[0] == (0.96875 if bounded else 1.0)


def test_two_small_arms_cannot_bound_an_interval():
    found = hodges_lehmann_shift(np.array([[1.0], [2.0], [3.0]]), np.array([[4.0], [5.0], [6.0]]))
    assert (found.estimate[0], found.low[0], found.high[0]) == (-3.0, -np.inf, np.inf)
    assert found.note[0] == "6 subjects in both arms are too few for a bounded 0.95 interval"


def test_reasons_for_empty_and_motionless_features():
    change = np.array([[NAN, 0.0], [NAN, 0.0], [NAN, NAN]])
    found = signed_rank(change)
    assert found.note[0] == "no pairs"
    assert np.isnan([found.estimate[0], found.p_value[0], found.ci_low[0]]).all()
    assert (found.estimate[1], found.p_value[1]) == (0.0, 1.0)
    assert found.note[1].startswith("all changes are zero")
    arms = rank_sum(np.array([[NAN, 2.0]] * 3), np.array([[1.0, 2.0]] * 3))
    assert arms.note[0] == "an arm without values"
    assert arms.p_value[1] == 1.0
    assert arms.note[1].startswith("all values are equal")


def test_an_empty_arm_is_a_reason_not_a_crash():
    found = rank_sum(np.empty((0, 2)), np.ones((4, 2)))
    assert found.note.tolist() == ["an arm without values"] * 2
    assert signed_rank(np.empty((0, 2))).note.tolist() == ["no pairs"] * 2


def test_more_pairs_than_the_exact_limit_are_approximate_and_say_so():
    change = np.random.default_rng(15).normal(0.2, 1, size=(60, 1))
    found = signed_rank(change)
    assert found.note[0] == "normal approximation: more than 50 pairs"
    expected = stats.wilcoxon(change[:, 0], method="approx", correction=False).pvalue
    assert found.p_value[0] == pytest.approx(expected, rel=1e-10)
    assert found.coverage[0] == pytest.approx(0.95, abs=0.002)


def test_rank_biserial_runs_from_all_down_to_all_up():
    change = np.array([[1.0, -1.0, 1.0, 0.0], [2.0, -3.0, -2.0, 0.0], [3.0, NAN, 0.0, 0.0]])
    np.testing.assert_allclose(matched_rank_biserial(change), [1.0, -1.0, -0.2, NAN])


def test_arms_with_other_features_are_refused():
    with pytest.raises(ValueError, match="target has 2 features, reference 3"):
        rank_sum(np.zeros((3, 2)), np.zeros((3, 3)))
