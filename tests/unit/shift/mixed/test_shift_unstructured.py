"""Mixed models for repeated measures: where they must equal classical tests, the likelihood, and the edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cytoshift.shift.mixed.mixed_design import cell_contrast, changes_from_baseline, repeated_design
from cytoshift.shift.mixed.own_pairs import own_pairs
from cytoshift.shift.mixed.unstructured import enough_subjects, unstructured

VISITS = ["a", "b", "c"]


def study(subjects=16, features=4, seed=1, visits=3):
    generator = np.random.default_rng(seed)
    root = np.array([[1.0, 0, 0], [0.8, 0.5, 0], [0.3, 0.2, 1.5]])[:visits, :visits]
    values = np.einsum("tu,suf->stf", root, generator.normal(size=(subjects, visits, features)))
    subject = np.repeat([f"s{number:02d}" for number in range(subjects)], visits)
    arm = np.repeat(np.where(np.arange(subjects) % 3, "x", "y"), visits)
    return subject, np.tile(VISITS[:visits], subjects), arm, values.reshape(-1, features)


def test_two_complete_visits_are_the_paired_t_test() -> None:
    subject, visit, _, values = study(visits=2)
    design = repeated_design(subject, visit, visits=VISITS[:2])
    found = unstructured(values, design, [cell_contrast(design, "b", "a")]).estimates[0]
    expected = stats.ttest_rel(values[1::2], values[::2])
    np.testing.assert_allclose(found.statistic, expected.statistic, rtol=1e-8)
    np.testing.assert_allclose(found.df, 15, rtol=1e-8)
    np.testing.assert_allclose(found.p_value, expected.pvalue, rtol=1e-8)


def test_complete_visits_of_one_arm_are_hotellings_test() -> None:
    subject, visit, _, values = study()
    design = repeated_design(subject, visit, visits=VISITS)
    fit = unstructured(values, design, [cell_contrast(design, "b", "a")], [changes_from_baseline(design)])
    cube = values.reshape(16, 3, -1)
    for feature in range(4):
        change = cube[:, 1:, feature] - cube[:, :1, feature]
        mean = change.mean(axis=0)
        square = 16 * mean @ np.linalg.solve(np.cov(change.T), mean)
        assert fit.tests[0].statistic[feature] == pytest.approx(square * (16 - 2) / (15 * 2), rel=1e-7)
        assert fit.tests[0].df_denominator[feature] == pytest.approx(16 - 2, rel=1e-7)
        np.testing.assert_allclose(fit.components[feature], np.cov(cube[:, :, feature].T), rtol=1e-7)


def test_complete_visits_of_two_arms_are_students_t_of_the_changes() -> None:
    subject, visit, arm, values = study()
    design = repeated_design(subject, visit, arm, visits=VISITS, arms=["x", "y"])
    contrast = cell_contrast(design, ["b", "c"], "a", arm="x", against="y")
    found, expected = unstructured(values, design, [contrast]).estimates[0], own_pairs(values, design, contrast)
    np.testing.assert_allclose(found.p_value, expected.p_value, rtol=1e-7)
    np.testing.assert_allclose(found.df, 14, rtol=1e-7)


def test_a_baseline_shared_by_randomised_arms_is_sharper_than_their_changes() -> None:
    subject, visit, arm, values = study(subjects=40, features=30)
    designs = [
        repeated_design(subject, visit, arm, visits=VISITS, arms=["x", "y"], common_baseline=shared)
        for shared in ([], ["x", "y"])
    ]
    free, shared = (
        unstructured(values, design, [cell_contrast(design, "c", "a", arm="x", against="y")]).estimates[0].se
        for design in designs
    )
    assert shared.mean() < 0.97 * free.mean()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_no_other_covariance_is_more_likely(seed) -> None:
    subject, visit, arm, values = study(subjects=18, features=2, seed=seed)
    generator = np.random.default_rng(seed)
    values[generator.random(values.shape) < 0.12] = np.nan
    design = repeated_design(subject, visit, arm, visits=VISITS, arms=["x", "y"], common_baseline=["x", "y"])
    fit = unstructured(values, design, [cell_contrast(design, "c", "a", arm="x", against="y")])
    for feature in range(2):
        if np.isnan(fit.estimates[0].se[feature]):
            assert fit.estimates[0].note[feature]
            continue
        best = fit.components[feature]
        root = np.linalg.cholesky(best)
        present = ~np.isnan(values[:, feature])
        same = np.equal.outer(design.subject, design.subject)

        def deviance(covariance, present=present, same=same, feature=feature):
            full = (covariance[np.ix_(design.visit, design.visit)] * same)[np.ix_(present, present)]
            x, y = design.columns[present], values[present, feature]
            solved = np.linalg.solve(full, np.column_stack([x, y]))
            normal, right = x.T @ solved[:, :-1], x.T @ solved[:, -1]
            square = y @ solved[:, -1] - right @ np.linalg.solve(normal, right)
            return np.linalg.slogdet(full)[1] + np.linalg.slogdet(normal)[1] + square

        least = deviance(best)
        for size in (0.01, 0.1, 0.5):
            for _ in range(5):
                twist = np.eye(3) + size * generator.normal(size=(3, 3))
                assert least <= deviance(root @ twist @ twist.T @ root.T) + 1e-8


def test_the_batch_changes_no_bit() -> None:
    subject, visit, arm, values = study(subjects=20, features=19)
    values[np.random.default_rng(2).random(values.shape) < 0.05] = np.nan
    design = repeated_design(subject, visit, arm, visits=VISITS, arms=["x", "y"])
    contrast = cell_contrast(design, "c", "a", arm="x", against="y")
    whole = unstructured(values, design, [contrast], [[contrast]])
    for batch in (1, 8, 13):
        part = unstructured(values, design, [contrast], [[contrast]], batch=batch)
        for name in ("estimate", "se", "df", "p_value"):
            assert getattr(part.estimates[0], name).tolist() == getattr(whole.estimates[0], name).tolist()
        assert part.tests[0].p_value.tolist() == whole.tests[0].p_value.tolist()


def test_incomplete_subjects_are_counted() -> None:
    subject, visit, _, values = study()
    values[[2, 5, 8], 0] = np.nan
    design = repeated_design(subject, visit, visits=VISITS)
    found = unstructured(values, design, [cell_contrast(design, "c", "a")]).estimates[0]
    assert (found.n[0], found.n_target[0], found.n_reference[0]) == (16, 13, 16)
    assert (found.method, found.p_method) == ("unstructured", "kenward_roger_t")
    told = "3 subjects without every visit of the contrast stay in, as missing at random"
    assert found.note.tolist() == [told, "", "", ""]


def test_what_cannot_be_answered_says_why() -> None:
    subject, visit, arm, values = study(features=6)
    values[33:, 0] = np.nan
    values[visit == "b", 1] = np.nan
    values[(visit == "a") & (np.arange(48) >= 24), 2] = values[(visit == "c") & (np.arange(48) < 24), 2] = np.nan
    values[:, 3] = 2.0
    values[:, 4] = np.repeat(np.arange(16.0) ** 2, 3)
    values[(visit == "c") & (arm == "y"), 5] = np.nan
    design = repeated_design(subject, visit, arm, visits=VISITS, arms=["x", "y"])
    contrast = cell_contrast(design, "c", "a", arm="x", against="y")
    fit = unstructured(values, design, [contrast], [[contrast]])
    assert fit.estimates[0].note.tolist() == [
        "12 subjects needed for the covariance of 3 visits, 11 found",
        "fewer than 2 subjects with both a and b: no covariance of the visits",
        "fewer than 2 subjects with both a and c: no covariance of the visits",
        "the model leaves no spread: no interval and no p-value",
        "the best covariance of the visits is singular: no estimate",
        "no value at c in y: no estimate",
    ]
    assert np.isnan(fit.estimates[0].p_value).all()
    assert np.isnan(fit.tests[0].p_value).all()
    assert (
        enough_subjects(values, design).tolist()
        == ["12 subjects needed for the covariance of 3 visits, 11 found"] + [""] * 5
    )


def test_designs_that_do_not_fit_are_refused() -> None:
    subject, visit, arm, values = study()
    twice = repeated_design(subject, np.where(visit == "c", "b", visit), visits=VISITS)
    with pytest.raises(ValueError, match="two samples at b"):
        unstructured(values, twice, [cell_contrast(twice, "b", "a")])
    plates = repeated_design(subject, visit, visits=VISITS, plate=arm, plate_effect="random")
    with pytest.raises(ValueError, match="no room for a random plate"):
        unstructured(values, plates, [cell_contrast(plates, "b", "a")])
