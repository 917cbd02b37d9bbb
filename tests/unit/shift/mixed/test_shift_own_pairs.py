"""Contrasts from each subject's own differences."""

import numpy as np
import pytest
from scipy import stats

from cytoshift.shift.mixed.mixed_design import cell_contrast, repeated_design
from cytoshift.shift.mixed.own_pairs import own_pairs

VISITS = ["a", "b", "c"]


def panel(subjects: int, features: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(subjects, 1, features)) + generator.normal(size=(subjects, 3, features))
    return np.repeat(np.arange(subjects), 3), np.tile(VISITS, subjects), values.reshape(-1, features)


def test_one_arm_is_the_paired_t_of_complete_pairs() -> None:
    subject, visit, values = panel(9, 3)
    values[1, 1] = values[3, 2] = np.nan
    design = repeated_design(subject, visit, visits=VISITS)
    found = own_pairs(values, design, cell_contrast(design, "b", "a"))
    expected = stats.ttest_rel(values[visit == "b"], values[visit == "a"], nan_policy="omit")
    np.testing.assert_allclose(found.p_value, expected.pvalue, rtol=1e-10)
    assert found.n.tolist() == [9, 8, 8]
    assert found.n_target.tolist() == [9, 8, 9]


def test_two_arms_are_students_t_of_mean_changes() -> None:
    subject, visit, values = panel(11, 4)
    arm = np.where(subject < 5, "x", "y")
    design = repeated_design(subject, visit, arm, visits=VISITS, arms=["x", "y"])
    found = own_pairs(values, design, cell_contrast(design, ["b", "c"], "a", arm="x", against="y"))
    change = (values[visit == "b"] + values[visit == "c"]) / 2 - values[visit == "a"]
    expected = stats.ttest_ind(change[:5], change[5:])
    np.testing.assert_allclose(found.statistic, expected.statistic, rtol=1e-10)
    assert found.df.tolist() == [9] * 4


def test_a_crossover_subject_gives_one_difference_of_differences() -> None:
    generator = np.random.default_rng(5)
    subject, visit, arm = np.repeat(np.arange(7), 4), np.tile(["a", "b"], 14), np.tile(["x", "x", "y", "y"], 7)
    values = generator.normal(size=(28, 2))
    design = repeated_design(subject, visit, arm, visits=["a", "b"], arms=["x", "y"])
    found = own_pairs(values, design, cell_contrast(design, "b", "a", arm="x", against="y"))
    double = values[1::4] - values[0::4] - (values[3::4] - values[2::4])
    np.testing.assert_allclose(found.p_value, stats.ttest_1samp(double, 0).pvalue, rtol=1e-10)


def test_too_few_pairs_and_equal_differences_say_so() -> None:
    subject, visit, values = panel(6, 4)
    arm = np.where(subject < 3, "x", "y")
    values[arm == "y", 0] = np.nan
    values[(subject != 0) & (subject != 4), 1] = np.nan
    values[:, 2] = (visit == "b") * 2.0
    design = repeated_design(subject, visit, arm, visits=VISITS, arms=["x", "y"])
    found = own_pairs(values, design, cell_contrast(design, "b", "a", arm="x", against="y"))
    assert found.note.tolist() == [
        "an arm has no subject with every visit of the contrast",
        "3 subjects with every visit of the contrast needed",
        "all differences are equal: no interval and no p-value",
        "",
    ]
    assert np.isnan(found.p_value).tolist() == [True, True, True, False]
    assert found.estimate[2] == 0


def test_samples_must_be_those_of_the_design() -> None:
    subject, visit, values = panel(4, 2)
    design = repeated_design(subject, visit, visits=VISITS)
    with pytest.raises(ValueError, match="outcome has 11 samples, the design 12"):
        own_pairs(values[1:], design, cell_contrast(design, "b", "a"))
