"""The effect of a condition in subjects who took every condition, adjusted for period."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytoshift.shift.classical.paired import paired_t
from cytoshift.shift.estimates import Estimates
from cytoshift.shift.orders.crossover import crossover_effect, period_order

NUMBERS = [name for name in Estimates.__dataclass_fields__ if name not in ("method", "p_method", "ci_method", "note")]


def by_condition(of_period: np.ndarray, period: np.ndarray) -> np.ndarray:
    """Values (subjects, features) in each subject's own period (counted from 1), from (periods, subjects, features)."""
    return of_period[period.astype(int) - 1, np.arange(len(period))]


def test_two_periods_give_half_the_difference_of_the_sequences() -> None:
    # Arm second in subjects 1 to 3, first in 4 and 5: period 2 − period 1 is 5, 3, 4 and −1, 1.
    of_arm, of_control = np.array([[8], [7], [9], [6], [4.0]]), np.array([[3], [4], [5], [5], [5.0]])
    found = crossover_effect(of_arm, of_control, [2, 2, 2, 1, 1], [1, 1, 1, 2, 2])
    # Means 4 and 0; squares about them 2 and 2, so s² = 4/3 and SE² = s²/4 · (1/3 + 1/2).
    assert found.estimate[0] == pytest.approx(2.0, rel=1e-14)
    assert found.se[0] == pytest.approx(np.sqrt(4 / 3 / 4 * 5 / 6), rel=1e-14)
    assert found.df[0] == 3
    assert (found.n[0], found.method, found.note[0]) == (5, "crossover", "")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(5, 9), st.integers(2, 4))
def test_effects_of_periods_and_subjects_change_nothing_and_roles_turn_the_sign(seed, n, periods) -> None:
    rng = np.random.default_rng(seed)
    orders = np.array([rng.permutation(periods)[:2] + 1 for _ in range(n)], dtype=float)
    orders[:2] = [[1, 2], [2, 1]]
    values = rng.normal(size=(periods, n, 3))
    values[0, 3, 1] = np.nan
    moved = values + 10 * rng.normal(size=(periods, 1, 3)) + 10 * rng.normal(size=(1, n, 3))

    def effect(of_period: np.ndarray, arm: np.ndarray, control: np.ndarray) -> Estimates:
        return crossover_effect(by_condition(of_period, arm), by_condition(of_period, control), arm, control)

    first, second = effect(values, *orders.T), effect(moved, *orders.T)
    turned = effect(values, *orders.T[::-1])
    np.testing.assert_array_equal(first.df, second.df)
    known = ~np.isnan(first.se)
    np.testing.assert_allclose(second.estimate[known], first.estimate[known], atol=1e-9)
    np.testing.assert_allclose(second.se[known], first.se[known], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(turned.estimate, -first.estimate, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(turned.se, first.se, rtol=1e-9, atol=1e-12)


def test_a_constant_effect_is_found_in_an_unbalanced_study_with_a_strong_period_effect() -> None:
    rng = np.random.default_rng(3)
    arm = np.array([1, 1, 1, 1, 1, 2, 3, 1, 2.0])
    control = np.array([2, 2, 2, 3, 3, 1, 1, 2, 3.0])
    values = rng.normal(0, 1e-3, size=(3, 9, 1)) + np.array([0.0, 3.0, 5.0])[:, None, None]
    found = crossover_effect(by_condition(values, arm) + 0.7, by_condition(values, control), arm, control)
    plain = paired_t(by_condition(values, arm) + 0.7 - by_condition(values, control))
    assert found.estimate[0] == pytest.approx(0.7, abs=0.01)
    assert plain.estimate[0] < -1
    assert found.df[0] == 9 - 3


def test_one_order_for_all_gives_the_paired_t_and_says_that_time_is_in_it() -> None:
    rng = np.random.default_rng(1)
    arm, control = rng.normal(size=(6, 3)), rng.normal(size=(6, 3))
    arm[0, 1] = np.nan
    found, plain = crossover_effect(arm, control, np.full(6, 2), np.full(6, 1)), paired_t(arm - control)
    for name in NUMBERS:
        np.testing.assert_array_equal(getattr(found, name), getattr(plain, name))
    assert found.method == "paired_t"
    assert set(found.note) == {
        "effect and period cannot be told apart: all pairs have the same order; not adjusted for period (paired t)"
    }


def test_a_feature_that_lacks_one_order_is_told_apart_from_the_others() -> None:
    rng = np.random.default_rng(2)
    arm, control = rng.normal(size=(7, 3)), rng.normal(size=(7, 3))
    period_arm = np.array([2, 2, 2, 2, 1, 1, 1])
    arm[4:, 1] = np.nan
    arm[1:, 2] = np.nan
    found = crossover_effect(arm, control, period_arm, 3 - period_arm)
    assert found.method == "crossover"
    assert found.note[0] == ""
    assert "all pairs have the same order" in found.note[1]
    assert found.estimate[1] == paired_t(arm - control).estimate[1]
    assert found.df[:2].tolist() == [5, 3]
    assert found.note[2] == "2 pairs needed, 1 found"


def test_unknown_periods_are_left_out_and_counted() -> None:
    rng = np.random.default_rng(4)
    arm, control = rng.normal(size=(8, 2)), rng.normal(size=(8, 2))
    period_arm = np.array([2, 2, 2, 1, 1, 1, np.nan, 1.0])
    period_control = np.array([1, 1, 1, 2, 2, 2, 1, 1.0])
    found = crossover_effect(arm, control, period_arm, period_control)
    alone = crossover_effect(arm[:6], control[:6], period_arm[:6], period_control[:6])
    np.testing.assert_allclose(found.estimate, alone.estimate, rtol=1e-12)
    np.testing.assert_allclose(found.se, alone.se, rtol=1e-12)
    assert found.n.tolist() == [6, 6]
    assert found.note[0] == "2 subjects without two known periods left out"
    nothing = crossover_effect(arm, control, np.full(8, np.nan), np.full(8, np.nan))
    assert nothing.method == "paired_t"
    assert "no subject has two known periods" in nothing.note[0]
    np.testing.assert_array_equal(nothing.p_value, paired_t(arm - control).p_value)


def test_too_few_pairs_and_no_spread_say_so() -> None:
    pair = crossover_effect([[3.0], [1.0]], [[1.0], [2.0]], [2, 1], [1, 2])
    assert np.isnan(pair.estimate[0])
    assert pair.note[0] == "no residual degrees of freedom: 2 pairs for 2 coefficients"
    # An effect of 1 and a period effect of 2 explain every difference.
    period = np.array([2, 2, 1, 1, 1.0])
    exact = crossover_effect(
        np.where(period == 2, 3.0, 1.0)[:, None], np.where(period == 2, 0, 2.0)[:, None], period, 3 - period
    )
    assert exact.estimate[0] == pytest.approx(1.0)
    assert np.isnan(exact.p_value[0])
    assert exact.note[0] == "the model leaves no spread: no interval and no p-value"


def test_a_feature_does_not_depend_on_its_neighbours() -> None:
    rng = np.random.default_rng(5)
    arm, control = rng.normal(size=(9, 40)), rng.normal(size=(9, 40))
    arm[rng.random(arm.shape) < 0.15] = np.nan
    periods = np.array([rng.permutation(3)[:2] + 1 for _ in range(9)]).T
    together = crossover_effect(arm, control, *periods)
    for place in (0, 17, 39):
        alone = crossover_effect(arm[:, [place]], control[:, [place]], *periods)
        for name in [*NUMBERS, "note"]:
            np.testing.assert_array_equal(getattr(together, name)[[place]], getattr(alone, name))


def test_no_features_and_shapes_that_do_not_fit() -> None:
    assert crossover_effect(np.empty((4, 0)), np.empty((4, 0)), [1, 2, 1, 2], [2, 1, 2, 1]).estimate.shape == (0,)
    with pytest.raises(ValueError, match="must be the same"):
        crossover_effect(np.ones((4, 2)), np.ones((4, 1)), [1, 2, 1, 2], [2, 1, 2, 1])
    with pytest.raises(ValueError, match="one period per subject"):
        crossover_effect(np.ones((4, 2)), np.ones((4, 2)), [1, 2, 1], [2, 1, 2, 1])
    with pytest.raises(ValueError, match="infinite"):
        period_order([1, np.inf], [2, 1], 2)
    with pytest.raises(ValueError, match="level"):
        crossover_effect(np.ones((4, 2)), np.ones((4, 2)), [1, 2, 1, 2], [2, 1, 2, 1], level=95)
