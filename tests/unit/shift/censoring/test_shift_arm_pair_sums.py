"""Two groups compared by a sum of changes: a difference of differences between the orders of a crossover."""

import numpy as np
import pytest

from cytoshift.shift.censoring.arm_pair_answer import UNKNOWN
from cytoshift.shift.censoring.arm_pair_sums import arm_sum_change
from cytoshift.shift.censoring.censored_arms import censored_change_of_arms
from cytoshift.shift.censoring.pair_bounds import PairBounds, pair_bounds
from cytoshift.shift.censoring.pair_sums import PairSum, pair_sum
from cytoshift.shift.classical.arms import arm_effect

NAN, INF = np.nan, np.inf


def draw_values(n: int, analytes: int, *, seed: int, shift: float = 0.0, step: float = 0.6) -> np.ndarray:
    """(4, n, analytes): two visits in the earlier, two in the later period, which is `step` higher.

    Every second subject has the last visit `shift` higher, the others the second.
    """
    rng = np.random.default_rng(seed)
    values = np.sqrt(0.5) * (rng.normal(size=(1, n, analytes)) + rng.normal(size=(4, n, analytes)))
    values[2:] += step
    values[3, ::2] += shift
    values[1, 1::2] += shift
    return values


def change_less_another(values: np.ndarray, limit: float) -> PairSum:
    """(later − earlier period) at the second visit of each less that at the first."""

    def pairs(first: int, second: int) -> PairBounds:
        below = values < limit
        lower, upper = np.where(below, -INF, values), np.where(below, limit, values)
        return pair_bounds(lower[first], upper[first], lower[second], upper[second])

    return pair_sum([pairs(1, 3), pairs(0, 2)], [1.0, -1.0])


def orders(n: int) -> np.ndarray:
    return (np.arange(n) % 2 == 0).astype(float)


def test_without_non_detects_it_is_the_linear_model_of_the_sums() -> None:
    values = draw_values(13, 5, seed=1, shift=0.5)
    values[2, 3, 1] = NAN
    groups = (np.arange(13) % 3 == 0).astype(float)[:, None]
    pairs = change_less_another(values, -INF)
    found = arm_sum_change(pairs, orders(13), groups, group_names=["late"])
    expected = arm_effect(pairs.change, orders(13), groups, covariate_names=["late"])
    for name in ("estimate", "se", "df", "p_value", "ci_low", "n"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("grouped", [False, True])
def test_almost_known_values_give_almost_the_linear_model(grouped: bool) -> None:
    # One value known within a little runs through the fits and the influences; three against eleven subjects.
    values = draw_values(14, 4, seed=12, shift=0.5)
    later = (np.arange(14) < 3).astype(float)
    groups = (np.arange(14) % 2 == 0).astype(float)[:, None] if grouped else None
    wide = 1e-2 * (np.arange(14) == 4)[:, None]
    parts = [
        pair_bounds(values[first] - wide, values[first] + wide, values[second], values[second])
        for first, second in ((1, 3), (0, 2))
    ]
    found = arm_sum_change(pair_sum(parts, [1.0, -1.0]), later, groups)
    known = change_less_another(values, -INF).change
    expected = arm_effect(known, later, groups, covariate_names=["late"] if grouped else [])
    np.testing.assert_allclose(found.estimate, expected.estimate, atol=5e-3)
    np.testing.assert_allclose(found.se, expected.se, rtol=2e-2)


def test_the_estimate_is_the_sum_of_the_differences_of_each_change() -> None:
    pairs = change_less_another(draw_values(20, 25, seed=3, shift=0.4), -0.3)
    single = [censored_change_of_arms(*vars(part).values(), orders(20)) for part in pairs.parts]
    expected = single[0].estimate - single[1].estimate
    found = arm_sum_change(pairs, orders(20)).estimate
    there = ~np.isnan(expected) & ~np.isnan(found)
    assert there.sum() >= 24
    np.testing.assert_allclose(found[there], expected[there], atol=1e-6)


def test_what_a_subject_adds_is_what_leaving_it_out_takes_away() -> None:
    n, analytes = 60, 3
    values = draw_values(n, analytes, seed=4, shift=0.4)
    whole = arm_sum_change(change_less_another(values, -0.3), orders(n))
    jackknife = []
    for subject in range(n):
        fewer = values.copy()
        fewer[:, subject] = NAN
        jackknife.append(arm_sum_change(change_less_another(fewer, -0.3), orders(n)).estimate)
    gone = np.array(jackknife)
    se = np.sqrt((n - 1) / n * ((gone - gone.mean(axis=0)) ** 2).sum(axis=0))
    np.testing.assert_allclose(whole.se, se, rtol=0.08)


def test_it_turns_with_the_groups_and_moves_with_the_values() -> None:
    values = draw_values(16, 10, seed=5)
    pairs = change_less_another(values, -0.2)
    plain, turned = arm_sum_change(pairs, orders(16)), arm_sum_change(pairs, 1 - orders(16))
    np.testing.assert_allclose(turned.estimate, -plain.estimate, atol=1e-6)
    np.testing.assert_allclose(turned.p_value, plain.p_value, rtol=1e-4)
    moved = arm_sum_change(pairs.shift_target(np.full(10, 0.7)), orders(16))
    np.testing.assert_allclose(moved.estimate, plain.estimate, atol=1e-6)
    alone = arm_sum_change(pairs.take(np.arange(10) == 4), orders(16))
    assert alone.p_value[0] == plain.p_value[4]
    assert ((plain.p_value < 0.05) == ((plain.ci_low > 0) | (plain.ci_high < 0))).all()


def test_what_cannot_be_compared_says_why() -> None:
    values = np.repeat(draw_values(10, 1, seed=6), 3, axis=2)
    values[3, :, 0] -= 30  # every value of one visit below its limit
    values[:, ::2, 1] = NAN  # one order has no pairs
    found = arm_sum_change(change_less_another(values, -0.4), orders(10))
    assert found.note[0].endswith(UNKNOWN)
    assert found.note[1] == "2 values in the target arm needed, 0 found"
    assert np.isnan(found.estimate[:2]).all() and np.isnan(found.p_value[:2]).all()
    assert 0 < found.p_value[2] <= 1
    assert arm_sum_change(change_less_another(np.empty((4, 6, 0)), 0.0), orders(6)).p_value.shape == (0,)
    with pytest.raises(ValueError, match="level"):
        arm_sum_change(change_less_another(values, 0.0), orders(10), level=0)


def test_it_keeps_its_level_and_is_not_biased() -> None:
    # Differences known between limits, the simpler way, overestimate by a fifth at 20 % non-detects, two at 40 %.
    studies, n = 1000, 24
    null = arm_sum_change(change_less_another(draw_values(n, studies, seed=7), 0.05), orders(n))
    assert np.mean(null.p_value <= 0.05) == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / studies))
    moved = arm_sum_change(change_less_another(draw_values(n, studies, seed=8, shift=0.6), 0.2), orders(n))
    there = ~np.isnan(moved.estimate)
    assert there.mean() > 0.98
    # The two orders differ by twice the effect.
    assert np.median(moved.estimate[there]) == pytest.approx(1.2, abs=0.06)
    held = (moved.ci_low[there] <= 1.2) & (moved.ci_high[there] >= 1.2)
    assert held.mean() == pytest.approx(0.95, abs=3 * np.sqrt(0.05 * 0.95 / studies))


def test_sides_of_unequal_size_keep_their_level() -> None:
    # White's form of the standard error rejects a true null hypothesis in 9 to 11 % here.
    studies, n = 900, 12
    later = (np.arange(n) < 3).astype(float)
    found = arm_sum_change(change_less_another(draw_values(n, studies, seed=13), -0.7), later)
    there = ~np.isnan(found.p_value)
    assert there.mean() > 0.9
    assert np.mean(found.p_value[there] <= 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / studies)
