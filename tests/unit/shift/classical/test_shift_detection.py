"""Detection between visits and between arms, from counts alone."""

import numpy as np
import pytest
from scipy import stats

from cytoshift.shift.classical.detection import fisher, mcnemar
from cytoshift.shift.exact.flips import sign_flip_test, sign_flips


def changes(gains: int, losses: int, same: int = 3) -> tuple[np.ndarray, np.ndarray]:
    reference = np.array([0.0] * gains + [1.0] * losses + [1.0] * same)
    target = np.array([1.0] * gains + [0.0] * losses + [1.0] * same)
    return reference[:, None], target[:, None]


@pytest.mark.parametrize(("gains", "losses"), [(5, 0), (0, 7), (6, 1), (3, 3), (9, 2), (1, 0)])
def test_mcnemar_is_the_binomial_test_of_the_changes(gains: int, losses: int) -> None:
    test = mcnemar(*changes(gains, losses))
    expected = stats.binomtest(gains, gains + losses)
    share = expected.proportion_ci()
    assert test.p_value[0] == pytest.approx(expected.pvalue, rel=1e-12)
    assert test.ci_low[0] == pytest.approx(share.low / (1 - share.low), rel=1e-6)
    if losses:
        assert test.odds_ratio[0] == gains / losses
        assert test.ci_high[0] == pytest.approx(share.high / (1 - share.high), rel=1e-6)
    else:
        assert test.odds_ratio[0] == test.ci_high[0] == np.inf
    assert test.n_informative[0] == gains + losses
    assert test.counts[0].tolist() == [[0, gains], [losses, 3]]


def test_mcnemar_is_the_sign_flip_test_of_detection() -> None:
    rng = np.random.default_rng(1)
    reference = (rng.random((12, 60)) < 0.3).astype(float)
    target = (rng.random((12, 60)) < 0.6).astype(float)
    target[2, ::3] = np.nan
    test = mcnemar(reference, target)
    flipped = sign_flip_test(target - reference, sign_flips(12))
    np.testing.assert_allclose(test.p_value, flipped.p_value, rtol=1e-12)
    np.testing.assert_array_equal(test.n_informative, flipped.n_informative)
    np.testing.assert_allclose(test.smallest_p, flipped.smallest_p, rtol=1e-12)


def test_mcnemar_p_and_interval_agree() -> None:
    for gains in range(15):
        for losses in range(15 - gains):
            test = mcnemar(*changes(gains, losses))
            assert (test.p_value[0] <= 0.05) == (test.ci_low[0] > 1 or test.ci_high[0] < 1)


def test_no_changed_pair_gives_a_note() -> None:
    test = mcnemar(np.array([[1.0, 0.0], [1.0, np.nan]]), np.array([[1.0, np.nan], [1.0, 1.0]]))
    assert np.isnan(test.odds_ratio).all()
    assert test.p_value.tolist() == [1, 1]
    assert test.ci_low.tolist() == [0, 0]
    assert test.ci_high.tolist() == [np.inf, np.inf]
    assert all("odds ratio undefined" in note for note in test.note)


@pytest.mark.parametrize("table", [[8, 2, 3, 9], [10, 0, 4, 6], [0, 7, 5, 2], [6, 5, 5, 6], [40, 10, 21, 33]])
def test_fisher_agrees_with_scipy(table: list[int]) -> None:
    detected = np.repeat([0.0, 1.0, 0.0, 1.0], table)[:, None]
    target = np.arange(sum(table)) >= table[0] + table[1]
    test = fisher(detected, target)
    assert test.counts[0].ravel().tolist() == table
    assert test.p_value[0] == pytest.approx(stats.fisher_exact(np.reshape(table, (2, 2))).pvalue, rel=1e-10)
    conditional = stats.contingency.odds_ratio(np.reshape(table, (2, 2)))
    assert test.odds_ratio[0] == pytest.approx(conditional.statistic, rel=1e-6)
    interval = conditional.confidence_interval(0.95)
    assert test.ci_low[0] == pytest.approx(interval.low, rel=1e-6)
    assert test.ci_high[0] == pytest.approx(interval.high, rel=1e-6)


def test_fisher_is_above_one_when_the_target_is_detected_more_often() -> None:
    detected = np.array([[0, 1], [0, 1], [1, 1], [1, 0], [1, 0], [1, np.nan]])
    test = fisher(detected, np.arange(6) >= 3)
    assert test.odds_ratio[0] > 1 > test.odds_ratio[1]
    assert test.n_informative.tolist() == [6, 5]


def test_fisher_smallest_p_is_the_least_its_margins_allow() -> None:
    detected = np.repeat([0.0, 1.0], [3, 3])[:, None]
    test = fisher(detected, np.arange(6) >= 3)
    assert test.p_value[0] == pytest.approx(0.1)
    assert test.smallest_p[0] == pytest.approx(0.1)
    mixed = fisher(detected, np.arange(6) % 2 == 0)
    assert mixed.p_value[0] == pytest.approx(1)
    assert mixed.smallest_p[0] == pytest.approx(0.1)


def test_fisher_with_nothing_to_compare_gives_a_note() -> None:
    detected = np.array([[1.0, np.nan], [1.0, np.nan], [1.0, 1.0], [1.0, 0.0]])
    test = fisher(detected, np.array([False, False, True, True]))
    assert np.isnan(test.odds_ratio).all()
    assert test.p_value.tolist() == test.smallest_p.tolist() == [1, 1]
    assert all(test.note)


def test_values_other_than_detected_or_not_are_refused() -> None:
    with pytest.raises(ValueError, match="1 detected, 0 not"):
        mcnemar(np.array([[0.5]]), np.array([[1.0]]))
    with pytest.raises(ValueError, match="differ in shape"):
        mcnemar(np.ones((3, 1)), np.ones((4, 1)))
    with pytest.raises(ValueError, match="arms of 3 subjects"):
        fisher(np.ones((4, 1)), np.ones(3, dtype=bool))
