"""Random-intercept models: against the analysis of variance, against the plain likelihood, and at the edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cytoshift.shift.mixed.mixed_answer import MixedFit
from cytoshift.shift.mixed.mixed_design import cell_contrast, changes_from_baseline, repeated_design
from cytoshift.shift.mixed.own_pairs import own_pairs
from cytoshift.shift.mixed.random_intercept import random_intercept

VISITS = ["a", "b", "c"]


def study(subjects=12, features=5, seed=1, spread=1.5, visits=3):
    generator = np.random.default_rng(seed)
    subject = np.repeat([f"s{number:02d}" for number in range(subjects)], visits)
    visit = np.tile(VISITS[:visits], subjects)
    arm = np.repeat(np.where(np.arange(subjects) % 2, "x", "y"), visits)
    values = spread * generator.normal(size=(subjects, 1, features)) + generator.normal(
        size=(subjects, visits, features)
    )
    return subject, visit, arm, values.reshape(-1, features)


def arrays(fit: MixedFit) -> list[np.ndarray]:
    found = [getattr(one, name) for one in [*fit.estimates, *fit.tests] for name in one.__dataclass_fields__]
    return [part for part in found if isinstance(part, np.ndarray)] + [fit.components, fit.boundary]


def assert_same_bits(one: MixedFit, other: MixedFit) -> None:
    for first, second in zip(arrays(one), arrays(other), strict=True):
        assert first.tolist() == second.tolist() or np.array_equal(first, second, equal_nan=True)


def dense_deviance(values, columns, subject, grouping, ratios, restricted=True):
    """The deviance from n × n matrices, the residual variance profiled out."""
    present = ~np.isnan(values)
    x, y = columns[present], values[present]
    covariance = np.eye(len(y)) + ratios[0] * np.equal.outer(subject[present], subject[present])
    if len(grouping):
        covariance = covariance + ratios[1] * np.equal.outer(grouping[present], grouping[present])
    solved = np.linalg.solve(covariance, np.column_stack([x, y]))
    normal, right = x.T @ solved[:, :-1], x.T @ solved[:, -1]
    square = y @ solved[:, -1] - right @ np.linalg.solve(normal, right)
    count = len(y) - x.shape[1] * restricted
    extra = np.linalg.slogdet(normal)[1] if restricted else 0.0
    return np.linalg.slogdet(covariance)[1] + extra + count * np.log(square)


def test_complete_visits_give_the_analysis_of_variance_of_repeated_measures() -> None:
    subject, visit, _, values = study()
    design = repeated_design(subject, visit, visits=VISITS)
    fit = random_intercept(values, design, [cell_contrast(design, "c", "a")], [changes_from_baseline(design)])
    cube = values.reshape(12, 3, -1)
    visit_mean, subject_mean = cube.mean(axis=0), cube.mean(axis=1)
    between = 12 * ((visit_mean - cube.mean(axis=(0, 1))) ** 2).sum(axis=0) / 2
    rest = cube - visit_mean - subject_mean[:, None] + cube.mean(axis=(0, 1))
    error = (rest**2).sum(axis=(0, 1)) / 22
    np.testing.assert_allclose(fit.tests[0].statistic, between / error, rtol=1e-8)
    np.testing.assert_allclose(fit.tests[0].df_denominator, 22, rtol=1e-8)
    np.testing.assert_allclose(fit.tests[0].p_value, stats.f.sf(between / error, 2, 22), rtol=1e-8)
    np.testing.assert_allclose(fit.components[:, 2], np.sqrt(error), rtol=1e-8)
    np.testing.assert_allclose(fit.estimates[0].se, np.sqrt(2 * error / 12), rtol=1e-8)


def test_two_complete_visits_are_the_paired_t_test() -> None:
    subject, visit, _, values = study(visits=2)
    design = repeated_design(subject, visit, visits=VISITS[:2])
    found = random_intercept(values, design, [cell_contrast(design, "b", "a")]).estimates[0]
    expected = stats.ttest_rel(values[1::2], values[::2])
    np.testing.assert_allclose(found.statistic, expected.statistic, rtol=1e-8)
    np.testing.assert_allclose(found.p_value, expected.pvalue, rtol=1e-8)
    assert (found.method, found.p_method) == ("random_intercept", "satterthwaite_t")


def test_incomplete_subjects_stay_in_and_change_the_estimate() -> None:
    subject, visit, _, values = study()
    values[[1, 4, 8], 0] = np.nan
    design = repeated_design(subject, visit, visits=VISITS)
    contrast = cell_contrast(design, "b", "a")
    model, pairs = random_intercept(values, design, [contrast]).estimates[0], own_pairs(values, design, contrast)
    assert (model.n[0], model.n_target[0], model.n_reference[0]) == (12, 10, 12)
    assert pairs.n[0] == 10
    assert model.note[0] == "2 subjects without every visit of the contrast stay in, as missing at random"
    assert model.estimate[0] != pytest.approx(pairs.estimate[0], abs=1e-3)
    assert model.estimate[1] == pytest.approx(pairs.estimate[1], abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 5), st.booleans(), st.booleans())
def test_no_other_ratio_is_more_likely(seed, spread, restricted, plates) -> None:
    subject, visit, arm, values = study(subjects=8, features=2, seed=seed, spread=spread)
    generator = np.random.default_rng(seed)
    values[generator.random(values.shape) < 0.15] = np.nan
    plate = generator.choice(["p", "q", "r"], len(subject))
    values = values + spread * (plate == "q")[:, None]
    options = {"plate": plate, "plate_effect": "random"} if plates else {}
    design = repeated_design(subject, visit, arm, visits=VISITS, arms=["x", "y"], common_baseline=["x", "y"], **options)
    contrast = cell_contrast(design, "c", "a", arm="x", against="y")
    fit = random_intercept(values, design, [contrast], likelihood="reml" if restricted else "ml")
    for feature in range(2):
        present = ~np.isnan(values[:, feature])
        complete = np.linalg.matrix_rank(design.columns[present]) == design.columns.shape[1]
        if np.isnan(fit.estimates[0].se[feature]) or not complete:
            continue
        ratios = (fit.components[feature, :2] / fit.components[feature, 2]) ** 2

        def height(one, two, feature=feature):
            return dense_deviance(
                values[:, feature], design.columns, design.subject, design.grouping, (one, two), restricted
            )

        best = height(*ratios)
        seconds = (0, 0.05, 0.5, 5) if plates else (0,)
        others = [height(one, two) for one in (0, 0.01, 0.1, 0.3, 1, 3, 10, 100) for two in seconds]
        near = [height(ratios[0] * factor, ratios[1]) for factor in (0.99, 1.01)]
        near += [height(ratios[0], ratios[1] * factor) for factor in (0.99, 1.01)] if plates else []
        assert best <= min(others + near) + 1e-8


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.01, 100), st.floats(-50, 50))
def test_units_and_order_of_samples_do_not_matter(seed, factor, constant) -> None:
    subject, visit, arm, values = study(subjects=9, features=3, seed=seed)
    generator = np.random.default_rng(seed)
    values[generator.random(values.shape) < 0.1] = np.nan
    order = generator.permutation(len(subject))

    def fitted(rows, panel):
        design = repeated_design(subject[rows], visit[rows], arm[rows], visits=VISITS, arms=["x", "y"])
        contrast = cell_contrast(design, "c", "a", arm="x", against="y")
        return random_intercept(panel[rows], design, [contrast], [changes_from_baseline(design, arm="x")])

    plain = fitted(np.arange(len(subject)), values)
    other = fitted(order, factor * values + constant)
    np.testing.assert_allclose(other.estimates[0].estimate, factor * plain.estimates[0].estimate, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(other.estimates[0].se, factor * plain.estimates[0].se, rtol=1e-6)
    np.testing.assert_allclose(other.estimates[0].df, plain.estimates[0].df, rtol=1e-5)
    np.testing.assert_allclose(other.tests[0].p_value, plain.tests[0].p_value, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"plate_effect": "random"}])
def test_the_batch_changes_no_bit(options) -> None:
    subject, visit, arm, values = study(subjects=10, features=23)
    values[np.random.default_rng(2).random(values.shape) < 0.05] = np.nan
    values[:, 4] = np.nan
    plate = np.where(np.arange(len(subject)) % 4 < 2, "p", "q")
    design = repeated_design(subject, visit, arm, visits=VISITS, arms=["x", "y"], plate=plate, **options)
    asked = [cell_contrast(design, "c", "a", arm="x", against="y")], [changes_from_baseline(design, arm="x")]
    whole = random_intercept(values, design, *asked)
    for batch in (1, 7, 22):
        assert_same_bits(random_intercept(values, design, *asked, batch=batch), whole)
    alone = random_intercept(values[:, 9:10], design, *asked)
    assert alone.estimates[0].p_value[0] == whole.estimates[0].p_value[9]


def test_subjects_who_differ_no_more_than_visits_are_noted_beside_their_own_differences() -> None:
    subject, visit, _, values = study(subjects=14, spread=0)
    cube = values.reshape(14, 3, -1)
    values = (cube - cube.mean(axis=1, keepdims=True)).reshape(values.shape)
    design = repeated_design(subject, visit, visits=VISITS)
    contrast = cell_contrast(design, "b", "a")
    fit = random_intercept(values, design, [contrast])
    assert fit.boundary.all()
    assert (fit.components[:, 0] == 0).all()
    expected = stats.ttest_rel(values[1::3], values[::3]).pvalue
    for feature in range(5):
        text = f"from each subject's own difference p = {expected[feature]:.3g}"
        assert fit.estimates[0].note[feature] == f"variance of subjects estimated as 0; {text}"
        # Without a subject's variance it is the linear model, with its residual degrees of freedom.
        assert fit.estimates[0].df[feature] == pytest.approx(14 * 3 - 3)


def test_maximum_likelihood_claims_more_than_reml() -> None:
    subject, visit, _, values = study(subjects=6)
    design = repeated_design(subject, visit, visits=VISITS)
    contrast = cell_contrast(design, "c", "a")
    reml, plain = (
        random_intercept(values, design, [contrast], likelihood=name).estimates[0] for name in ("reml", "ml")
    )
    inner = ~np.char.startswith(plain.note.astype(str), "variance") & ~np.char.startswith(
        reml.note.astype(str), "variance"
    )
    assert inner.any()
    np.testing.assert_allclose(plain.se[inner], reml.se[inner] * np.sqrt(5 / 6), rtol=1e-6)
    assert (plain.df[inner] > reml.df[inner]).all()
    assert plain.method == "random_intercept_ml"


def test_a_plate_that_is_a_visit_is_named_and_a_repeated_covariate_left_out() -> None:
    subject, visit, arm, values = study()
    months = np.repeat(np.arange(12.0), 3)
    covariates = np.column_stack([months, months / 12])
    design = repeated_design(
        subject, visit, arm, visits=VISITS, arms=["x", "y"], covariates=covariates, covariate_names=["months", "years"],
        plate=np.where(visit == "a", "p1", "p2"),
    )  # fmt: skip
    asked = [cell_contrast(design, "b", "a", arm="x"), cell_contrast(design, "c", "b", arm="x")]
    lost, kept = random_intercept(values, design, asked, [[asked[1], asked[0]]]).estimates
    assert set(lost.note) == {"plate p2 cannot be told from a in x, a in y: no estimate"}
    assert np.isnan(lost.estimate).all()
    assert set(kept.note) == {"years, plate p2 left out: the columns before say the same"}
    assert not np.isnan(kept.p_value).any()


def test_what_cannot_be_answered_says_why() -> None:
    subject, visit, arm, values = study(features=8)
    values[:, 0] = np.nan
    values[3:, 1] = np.nan
    values[visit != "a", 2] = np.nan
    values[6:, 3] = np.nan
    values[:, 4] = 7.0
    values[:, 5] = np.repeat(np.arange(12.0) ** 2, 3)
    values[(visit == "c") & (arm == "x"), 6] = np.nan
    design = repeated_design(subject, visit, arm, visits=VISITS, arms=["x", "y"])
    contrast = cell_contrast(design, "c", "a", arm="x")
    fit = random_intercept(values, design, [contrast], [[contrast]])
    expected = [
        "2 subjects needed, 0 found",
        "2 subjects needed, 1 found",
        "no subject has two values: subject and error cannot be told apart",
        "no residual degrees of freedom: 6 values for 6 coefficients",
        "the model leaves no spread: no interval and no p-value",
        "values within a subject do not differ beyond the model: no interval",
        "no value at c in x: no estimate",
        "",
    ]
    assert fit.estimates[0].note.tolist() == expected
    assert fit.tests[0].note.tolist() == expected
    assert np.isnan(fit.estimates[0].p_value).tolist() == [True] * 7 + [False]
    assert np.isnan(fit.tests[0].p_value).tolist() == [True] * 7 + [False]
    assert fit.estimates[0].estimate[4] == 0


def test_two_subjects_are_answered_with_a_warning() -> None:
    subject, visit, _, values = study(subjects=2, spread=3)
    design = repeated_design(subject, visit, visits=VISITS)
    found = random_intercept(values, design, [cell_contrast(design, "c", "a")]).estimates[0]
    assert all(note.startswith("two subjects only") for note in found.note)
    assert found.n.tolist() == [2] * 5


def test_a_sample_without_its_covariate_is_left_out() -> None:
    subject, visit, _, values = study()
    age = np.repeat(np.linspace(20, 70, 12), 3)
    age[:3] = np.nan
    design = repeated_design(subject, visit, visits=VISITS, covariates=age[:, None], covariate_names=["age"])
    fewer = repeated_design(subject[3:], visit[3:], visits=VISITS, covariates=age[3:, None], covariate_names=["age"])
    one = random_intercept(values, design, [cell_contrast(design, "c", "a")]).estimates[0]
    other = random_intercept(values[3:], fewer, [cell_contrast(fewer, "c", "a")]).estimates[0]
    np.testing.assert_allclose(one.p_value, other.p_value, rtol=1e-9)
    assert one.n.tolist() == other.n.tolist() == [11] * 5


def test_no_features_give_no_rows() -> None:
    subject, visit, _, values = study()
    design = repeated_design(subject, visit, visits=VISITS)
    fit = random_intercept(values[:, :0], design, [cell_contrast(design, "c", "a")], [changes_from_baseline(design)])
    assert fit.estimates[0].estimate.shape == fit.tests[0].p_value.shape == (0,)


def test_kenward_roger_is_refused_where_it_is_not_built() -> None:
    subject, visit, _, values = study()
    design = repeated_design(subject, visit, visits=VISITS)
    with pytest.raises(ValueError, match="Kenward–Roger is built for REML"):
        random_intercept(values, design, [cell_contrast(design, "c", "a")], df="kenward_roger", likelihood="ml")
    with pytest.raises(ValueError, match="level 95"):
        random_intercept(values, design, [cell_contrast(design, "c", "a")], level=95)
