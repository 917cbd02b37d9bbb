"""What is left of the first condition in the second period: a diagnostic."""

import numpy as np
import pytest
from scipy import stats

from cytoshift.shift.orders.carry_over import carry_over, carry_over_words
from cytoshift.shift.orders.crossover import crossover_effect

ARM = np.array([2, 2, 2, 1, 1, 1, 1.0])


def test_it_is_student_t_between_the_sums_of_the_sequences() -> None:
    rng = np.random.default_rng(1)
    arm, control = rng.normal(size=(7, 2)), rng.normal(size=(7, 2))
    found = carry_over(arm, control, ARM, 3 - ARM)
    sums = arm + control
    expected = stats.ttest_ind(sums[ARM == 1], sums[ARM == 2])
    np.testing.assert_allclose(found.p_value, expected.pvalue, rtol=1e-10)
    np.testing.assert_allclose(found.statistic, expected.statistic, rtol=1e-10)
    assert (found.n_target[0], found.n_reference[0]) == (4, 3)
    assert (found.method, found.note[0]) == ("carry_over", "")


def test_effects_of_treatment_and_period_are_not_in_it_and_carry_over_is() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(2, 7, 1))
    places = ARM.astype(int) - 1, np.arange(7)
    arm, control = values[places], values[1 - places[0], places[1]]
    plain = carry_over(arm, control, ARM, 3 - ARM)
    moved = values + np.array([0.0, 3.0])[:, None, None]
    shifted = carry_over(moved[places] + 5, moved[1 - places[0], places[1]], ARM, 3 - ARM)
    np.testing.assert_allclose(shifted.estimate, plain.estimate, rtol=1e-10)
    # What stays of the arm is added to the control taken after it; half of it is taken off the effect.
    late = np.where(ARM == 1, 0.8, 0.0)[:, None]
    left = carry_over(arm, control + late, ARM, 3 - ARM)
    np.testing.assert_allclose(left.estimate, plain.estimate + 0.8, rtol=1e-10)
    effects = [crossover_effect(arm, other, ARM, 3 - ARM).estimate for other in (control, control + late)]
    np.testing.assert_allclose(effects[0] - effects[1], 0.4, rtol=1e-10)


def test_with_more_periods_only_subjects_of_the_same_two_are_compared() -> None:
    arm = np.array([1, 2, 1, 2, 2, 3, 2, 3, 3.0])
    control = np.array([2, 1, 2, 1, 3, 2, 3, 2, 2.0])
    values = np.random.default_rng(3).normal(size=(9, 2, 1))
    late = 10.0 * (np.minimum(arm, control) == 2)[:, None]
    found = carry_over(values[:, 0] + late, values[:, 1] + late, arm, control)
    plain = carry_over(values[:, 0], values[:, 1], arm, control)
    np.testing.assert_allclose(found.estimate, plain.estimate, rtol=1e-8)
    assert found.df[0] == 9 - 3


@pytest.mark.parametrize(
    ("period_arm", "first", "last"), [([1, 1, 1, 1], 4, 0), ([1, 2, 2, 2], 1, 3), ([np.nan, 2, 1, 2], 1, 2)]
)
def test_too_few_of_an_order_say_so(period_arm, first, last) -> None:
    arm = np.random.default_rng(4).normal(size=(4, 1))
    found = carry_over(arm, -2 * arm, period_arm, 3 - np.array(period_arm))
    assert np.isnan(found.estimate[0])
    assert found.note[0].endswith(f"{first} took the arm first, {last} last")


def test_words_name_the_conditions_and_the_limits() -> None:
    words = carry_over_words("naltrexone", "placebo")
    assert "took naltrexone first, less that in subjects who took placebo first" in words
    assert "decides nothing" in words
    with pytest.raises(ValueError, match="must be the same"):
        carry_over(np.ones((4, 2)), np.ones((4, 1)), [1, 2, 1, 2], [2, 1, 2, 1])
