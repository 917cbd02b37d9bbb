"""Two arms: simple differences, adjusted ones, and designs that cannot answer."""

import numpy as np
import pytest
from scipy import stats

from cytoshift.shift.classical.arms import ancova, arm_effect, student_t, welch_t

NAN = np.nan


@pytest.fixture
def trial():
    generator = np.random.default_rng(7)
    arm = np.repeat([1.0, 0.0], [9, 7])
    baseline = generator.normal(8, 1, size=(16, 4))
    outcome = 0.7 * baseline - 0.5 * arm[:, None] + generator.normal(size=(16, 4))
    outcome[2, 1] = baseline[5, 2] = NAN
    return outcome, arm, baseline


@pytest.mark.parametrize(("method", "equal_var"), [(student_t, True), (welch_t, False)])
def test_difference_is_target_minus_reference(method, equal_var, trial):
    outcome, arm, _ = trial
    found = method(outcome[arm == 1], outcome[arm == 0])
    expected = stats.ttest_ind(outcome[arm == 1], outcome[arm == 0], equal_var=equal_var, nan_policy="omit")
    np.testing.assert_allclose(found.statistic, expected.statistic, rtol=1e-10)
    np.testing.assert_allclose(found.p_value, expected.pvalue, rtol=1e-10)
    assert found.n_target.tolist() == [9, 8, 9, 9]
    assert found.n.tolist() == [16, 15, 16, 16]


def test_ancova_equals_least_squares_on_each_feature_alone(trial):
    outcome, arm, baseline = trial
    age = np.linspace(20, 60, 16)
    age[9] = NAN
    found = ancova(outcome, arm, age[:, None], baseline=baseline)
    for feature in range(4):
        complete = ~np.isnan(outcome[:, feature] + baseline[:, feature] + age)
        design = np.column_stack([np.ones(16), baseline[:, feature], age, arm])[complete]
        coefficients = np.linalg.lstsq(design, outcome[complete, feature], rcond=None)[0]
        assert found.estimate[feature] == pytest.approx(coefficients[-1], rel=1e-10)
        assert found.df[feature] == complete.sum() - 4


def test_without_covariates_the_model_is_student_t(trial):
    outcome, arm, _ = trial
    simple, model = student_t(outcome[arm == 1], outcome[arm == 0]), arm_effect(outcome, arm)
    np.testing.assert_allclose(model.p_value, simple.p_value, rtol=1e-12)
    assert (simple.method, model.method) == ("student_t", "adjusted_difference")


def test_plate_that_is_the_arm_gives_no_estimate_and_is_named(trial):
    outcome, arm, baseline = trial
    plates = np.column_stack([np.tile([0, 1], 8), 1 - arm])
    found = ancova(outcome, arm, plates, baseline=baseline, covariate_names=["plate_2", "plate_3"])
    assert np.isnan(found.estimate).all()
    assert set(found.note) == {"the arm is aliased with plate_3: no estimate"}


def test_arm_aliased_with_two_plates_together_names_both(trial):
    outcome, arm, _ = trial
    second = np.zeros(16)
    second[:4] = 1
    plates = np.column_stack([second, arm - second])
    found = arm_effect(outcome, arm, plates, covariate_names=["plate_2", "plate_3"])
    assert set(found.note) == {"the arm is aliased with plate_2, plate_3: no estimate"}


def test_a_redundant_covariate_is_left_out_and_named(trial):
    outcome, arm, baseline = trial
    age = np.linspace(20, 60, 16)
    months = np.column_stack([age, 12 * age])
    found = ancova(outcome, arm, months, baseline=baseline, covariate_names=["age", "age_months"])
    alone = ancova(outcome, arm, age[:, None], baseline=baseline, covariate_names=["age"])
    np.testing.assert_allclose(found.p_value, alone.p_value, rtol=1e-10)
    assert set(found.note) == {"age_months left out: the columns before it say the same"}


def test_a_constant_baseline_is_left_out_and_named(trial):
    outcome, arm, baseline = trial
    baseline[:, 0] = 3.2
    found = ancova(outcome, arm, baseline=baseline)
    assert found.note.tolist() == ["baseline left out: the columns before it say the same", "", "", ""]
    assert found.p_value[0] == pytest.approx(stats.ttest_ind(outcome[:9, 0], outcome[9:, 0]).pvalue)


def test_missing_arms_and_saturated_models_say_why(trial):
    outcome, arm, _ = trial
    outcome[arm == 0, 0] = NAN
    outcome[10:, 1] = NAN
    outcome[2:9, 2] = outcome[11:, 2] = NAN
    outcome[:, 3] = 5.0
    covariates = np.random.default_rng(3).normal(size=(16, 2))
    found = arm_effect(outcome, arm, covariates)
    assert found.note.tolist() == [
        "2 values in the reference arm needed, 0 found",
        "2 values in the reference arm needed, 1 found",
        "no residual degrees of freedom: 4 subjects for 4 coefficients",
        "the model leaves no spread: no interval and no p-value",
    ]
    assert np.isnan(found.p_value).all()
    assert np.isnan(found.estimate).tolist() == [True, True, True, False]


def test_more_coefficients_than_subjects_is_not_called_aliasing(trial):
    outcome, arm, _ = trial
    covariates = np.random.default_rng(3).normal(size=(16, 20))
    found = arm_effect(outcome, arm, covariates)
    assert found.note[0] == "no residual degrees of freedom: 16 subjects for 22 coefficients"
    assert np.isnan(found.estimate).all()


def test_hc3_keeps_its_size_where_the_small_arm_is_noisy():
    generator = np.random.default_rng(11)
    arm = np.repeat([1.0, 0.0], [5, 15])
    outcome = generator.normal(size=(20, 4000)) * np.where(arm == 1, 3.0, 1.0)[:, None]
    plain, guarded = arm_effect(outcome, arm), arm_effect(outcome, arm, spread="hc3")
    assert (plain.p_value < 0.05).mean() > 0.15
    assert (guarded.p_value < 0.05).mean() < 0.09
    np.testing.assert_allclose(plain.estimate, guarded.estimate, rtol=1e-12)
    assert (guarded.method, guarded.p_method) == ("adjusted_difference_hc3", "hc3_t")


def test_hc3_with_one_subject_alone_on_a_plate(trial):
    outcome, arm, _ = trial
    alone = np.zeros((16, 1))
    alone[0] = 1
    with_plate = arm_effect(outcome, arm, alone, spread="hc3")
    without_subject = arm_effect(outcome[1:], arm[1:], spread="hc3")
    np.testing.assert_allclose(with_plate.se, without_subject.se, rtol=1e-10)


def test_no_hc3_where_one_subject_carries_the_arm(trial):
    outcome, arm, _ = trial
    plate = np.zeros((16, 1))
    plate[1:9] = 1
    found = arm_effect(outcome, arm, plate, spread="hc3")
    assert not np.isnan(found.estimate).any()
    assert np.isnan(found.p_value).all()
    assert set(found.note) == {"one subject alone decides the arm effect: no HC3"}


def test_a_panel_without_features_gives_an_empty_answer(trial):
    outcome, arm, baseline = trial
    assert ancova(outcome[:, :0], arm, baseline=baseline[:, :0]).p_value.shape == (0,)


def test_welch_with_equal_values_in_both_arms():
    found = welch_t(np.full((3, 1), 2.0), np.full((4, 1), 1.5))
    assert found.estimate[0] == 0.5
    assert np.isnan(found.p_value[0])
    assert found.note[0] == "all values of each arm are equal: no interval and no p-value"


def test_features_do_not_disturb_each_other(trial):
    outcome, arm, baseline = trial
    together = ancova(outcome, arm, baseline=baseline)
    alone = [ancova(outcome[:, [j]], arm, baseline=baseline[:, [j]]).p_value[0] for j in range(4)]
    assert together.p_value.tolist() == alone  # to the last bit


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"arm": np.array([1.0, 2.0] * 8)}, "arm must be 1"),
        ({"arm": np.ones(15)}, "one value per subject"),
        ({"covariates": np.ones((15, 1))}, "covariates have the shape"),
        ({"covariates": np.ones((16, 2)), "covariate_names": ["age"]}, "1 covariate names for 2 columns"),
        ({"baseline": np.ones((16, 3))}, "baseline has the shape"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(options, message, trial):
    outcome, arm, _ = trial
    with pytest.raises(ValueError, match=message):
        arm_effect(outcome, **{"arm": arm, **options})
