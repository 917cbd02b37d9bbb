"""Slope per milligram: what it is, who is counted, and designs that cannot answer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytoshift.shift.classical.arms import ancova
from cytoshift.shift.classical.dose_trend import departure_from_linearity, dose_trend

NAN = np.nan


@pytest.fixture
def trial():
    """24 subjects at 0, 1.5, 3 and 4.5 mg, 5 features; the first falls by 0.4 per mg."""
    generator = np.random.default_rng(11)
    dose = np.repeat([0.0, 1.5, 3.0, 4.5], 6)
    baseline = generator.normal(6, 1, size=(24, 5))
    outcome = 0.7 * baseline + generator.normal(0, 0.5, size=(24, 5))
    outcome[:, 0] -= 0.4 * dose
    return outcome, dose, baseline


def test_slope_by_hand():
    dose = np.array([0, 0, 1.5, 1.5, 3, 3])
    found = dose_trend(np.array([[1.0], [3], [2], [4], [3], [5]]), dose)
    assert found.estimate[0] == pytest.approx(2 / 3)  # the means 2, 3, 4 rise by 1 per 1.5 mg
    assert found.se[0] == pytest.approx(np.sqrt(6 / 4 / 9))  # RSS 6 on 4 df, Σ(x − x̄)² = 9
    assert (found.n_reference[0], found.n_target[0], found.n[0], found.df[0]) == (2, 4, 6, 4)
    assert found.note[0] == ("0 mg: 2, 1.5 mg: 2, 3 mg: 2 subjects; departure from a straight line: F(1, 3) = 0, p = 1")
    assert (found.method, found.p_method, found.ci_method) == ("dose_trend", "t", "t")


def test_two_doses_are_two_arms_divided_by_the_dose(trial):
    outcome, dose, baseline = trial
    two = np.isin(dose, (0, 4.5))
    slope = dose_trend(outcome[two], dose[two], baseline=baseline[two])
    arms = ancova(outcome[two], dose[two] / 4.5, baseline=baseline[two])
    np.testing.assert_allclose(slope.estimate, arms.estimate / 4.5, rtol=1e-12)
    np.testing.assert_allclose(slope.ci_low, arms.ci_low / 4.5, rtol=1e-12)
    np.testing.assert_allclose(slope.p_value, arms.p_value, rtol=1e-10)
    assert slope.note[0] == "0 mg: 6, 4.5 mg: 6 subjects; two doses: whether the trend is straight cannot be seen"


def test_a_trend_is_found_and_the_unit_of_the_dose_only_rescales_it(trial):
    outcome, dose, baseline = trial
    found = dose_trend(outcome, dose, baseline=baseline)
    assert found.ci_low[0] < -0.4 < found.ci_high[0] < 0
    grams = dose_trend(outcome, dose / 1000, baseline=baseline)
    np.testing.assert_allclose(grams.estimate, 1000 * found.estimate, rtol=1e-10)
    np.testing.assert_allclose(grams.p_value, found.p_value, rtol=1e-8)


@settings(max_examples=30, deadline=None)
@given(
    slope=st.floats(-5, 5),
    start=st.floats(-20, 20),
    doses=st.lists(st.sampled_from([0.0, 1.5, 3.0, 4.5]), min_size=6, max_size=15),
)
def test_adding_a_line_moves_the_slope_by_exactly_that(slope, start, doses):
    dose = np.array([0.0, 0.0, 4.5, 4.5, *doses])
    age = np.random.default_rng(1).normal(45, 9, size=len(dose))
    noise = np.random.default_rng(2).normal(size=(len(dose), 1))
    on_line = dose_trend(start + slope * dose[:, None] + 0.1 * age[:, None] + noise, dose, age[:, None])
    level = dose_trend(noise, dose, age[:, None])
    assert on_line.estimate[0] == pytest.approx(slope + level.estimate[0], abs=1e-8)
    np.testing.assert_allclose(on_line.se, level.se, rtol=1e-6)


def test_a_feature_does_not_depend_on_the_others(trial):
    outcome, dose, baseline = trial
    outcome[dose == 3, 1] = outcome[4, 2] = NAN
    found = dose_trend(outcome, dose, baseline=baseline)
    for place in range(5):
        alone = dose_trend(outcome[:, [place]], dose, baseline=baseline[:, [place]])
        assert (alone.estimate[0], alone.se[0]) == (found.estimate[place], found.se[place])  # to the last bit
        assert alone.note[0] == found.note[place]


def test_missing_values_are_counted_out_dose_by_dose(trial):
    outcome, dose, baseline = trial
    outcome[:2, 1] = baseline[7, 1] = NAN
    outcome[dose == 4.5, 2] = NAN
    dose[23] = NAN
    found = dose_trend(outcome, dose, baseline=baseline)
    assert found.n.tolist() == [23, 20, 18, 23, 23]
    assert found.n_reference.tolist() == [6, 4, 6, 6, 6]
    assert found.note[1].startswith("0 mg: 4, 1.5 mg: 5, 3 mg: 6, 4.5 mg: 5 subjects; ")
    assert found.note[2].startswith("0 mg: 6, 1.5 mg: 6, 3 mg: 6 subjects; departure from a straight line: F(1, ")


def test_a_hump_is_seen_as_a_departure_and_a_line_is_not(trial):
    outcome, dose, baseline = trial
    outcome[:, 1] += 3 * (dose == 1.5)
    bend = departure_from_linearity(outcome, dose, baseline=baseline)
    assert bend.p_value[1] < 0.001
    assert bend.p_value[0] > 0.01
    assert bend.df.tolist() == [2] * 5
    assert bend.residual_df.tolist() == [24 - 5] * 5


def test_departure_keeps_its_size_where_the_trend_is_straight():
    generator = np.random.default_rng(3)
    dose = np.repeat([0.0, 1.5, 3.0, 4.5], 4)
    outcome = 2 * dose[:, None] + generator.normal(size=(16, 3000))
    size = np.mean(departure_from_linearity(outcome, dose).p_value <= 0.05)
    assert abs(size - 0.05) <= 3 * np.sqrt(0.05 * 0.95 / 3000)


def test_a_plate_for_each_dose_leaves_no_test_of_the_bend_or_of_the_trend(trial):
    outcome, dose, _ = trial
    middle = (dose == 1.5) * 1.0
    line = dose_trend(outcome[:18], dose[:18], middle[:18, None], covariate_names=["plate 2"])
    assert line.note[0] == "0 mg: 6, 1.5 mg: 6, 3 mg: 6 subjects; departure from a straight line cannot be tested"
    assert not np.isnan(line.p_value).any()
    plates = np.column_stack([dose == level for level in (1.5, 3, 4.5)]).astype(float)
    none = dose_trend(outcome, dose, plates, covariate_names=["plate 2", "plate 3", "plate 4"])
    assert np.isnan(none.estimate).all()
    assert none.note[0] == (
        "the dose is aliased with plate 2, plate 3, plate 4: no estimate; "
        "0 mg: 6, 1.5 mg: 6, 3 mg: 6, 4.5 mg: 6 subjects"
    )


def test_too_few_doses_or_subjects_say_why(trial):
    outcome, dose, _ = trial
    outcome[dose > 0, 0] = NAN
    outcome[:, 1] = NAN
    outcome[:23, 2][dose[:23] > 0] = NAN  # one subject alone above placebo
    outcome[:, 3] = 5
    outcome[(dose > 0) & (dose < 4.5), 4] = outcome[2:6, 4] = outcome[20:, 4] = NAN
    found = dose_trend(outcome, dose, np.random.default_rng(1).normal(size=(24, 2)))
    assert found.note.tolist() == [
        "2 subjects above the lowest dose needed, 0 found; 2 subjects below the highest dose needed, 0 found; "
        "0 mg: 6 subjects",
        "2 subjects above the lowest dose needed, 0 found; 2 subjects below the highest dose needed, 0 found",
        "2 subjects above the lowest dose needed, 1 found; 0 mg: 6, 4.5 mg: 1 subjects",
        "the model leaves no spread: no interval and no p-value; 0 mg: 6, 1.5 mg: 6, 3 mg: 6, 4.5 mg: 6 subjects; "
        "departure from a straight line cannot be tested",
        "no residual degrees of freedom: 4 subjects for 4 coefficients; 0 mg: 2, 4.5 mg: 2 subjects",
    ]
    assert np.isnan(found.estimate).tolist() == [True, True, True, False, True]
    assert np.isnan(found.p_value).all()


def test_doses_by_body_weight_are_told_as_a_range():
    dose = np.linspace(0.5, 5, 12)
    found = dose_trend(np.random.default_rng(1).normal(size=(12, 1)), dose)
    assert found.note[0] == ("12 doses from 0.5 to 5 mg, 12 subjects; departure from a straight line cannot be tested")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dose": [0.0, -1.5, 3, 4.5]}, "0 .placebo. or more"),
        ({"dose": [0.0, np.inf, 3, 4.5]}, "finite"),
        ({"dose": [0.0, 1.5, 3]}, "one value per subject"),
        ({"baseline": np.ones((4, 2))}, "baseline has the shape"),
        ({"covariates": np.ones((3, 1))}, "covariates have the shape"),
        ({"covariates": np.full((4, 1), np.inf)}, "covariates hold infinite"),
        ({"covariates": np.ones((4, 1)), "covariate_names": ["a", "b"]}, "2 covariate names for 1"),
        ({"outcome": np.full((4, 1), np.inf)}, "outcome holds infinite"),
        ({"level": 95}, "level 95"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(change, message):
    arguments = {"outcome": np.arange(4.0)[:, None], "dose": [0, 1.5, 3, 4.5]} | change
    with pytest.raises(ValueError, match=message):
        dose_trend(**arguments)
