"""The difference of two arms with non-detects: estimate, interval, p-value, and what is said where there is none."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arm_pair_draws import INF, DrawnArms, draw_arms
from cytoshift.shift.censoring.arm_pair_answer import NO_BASELINE, ONE_SIDED, UNKNOWN
from cytoshift.shift.censoring.censored_arms import (
    METHODS,
    Question,
    censored_ancova,
    censored_arms,
    censored_change_of_arms,
)
from cytoshift.shift.censoring.censored_change import NO_VARIATION, OPEN_ENDED
from cytoshift.shift.classical.arms import ancova, arm_effect, student_t
from cytoshift.shift.estimates import Estimates

NUMBERS = ("estimate", "se", "df", "ci_low", "ci_high", "statistic", "p_value", "residual_variance")
ESTIMATORS: dict[Question, Callable[..., Estimates]] = {"ancova": censored_ancova, "change": censored_change_of_arms}
Ends = list[tuple[float, float]]


def points(*values: float) -> Ends:
    return [(value, value) for value in values]


def below(*limits: float) -> Ends:
    return [(-INF, limit) for limit in limits]


def sides(reference: Ends, target: Ends) -> list[np.ndarray]:
    """The four limits of one analyte from a list of (lower, upper) for each visit."""
    return [part[:, None] for side in (reference, target) for part in np.array(side, dtype=float).T]


def least_squares(study: DrawnArms, question: Question) -> Estimates:
    before, after = study.limits[0], study.limits[2]
    if question == "ancova":
        return ancova(after, study.arm, study.age, baseline=before)
    return arm_effect(after - before, study.arm, study.age)


@pytest.mark.parametrize("question", METHODS)
@settings(max_examples=15, deadline=None)
@given(st.integers(7, 16), st.integers(0, 10_000), st.floats(-0.9, 0.99), st.floats(0, 0.2))
def test_without_non_detects_it_is_least_squares(
    question: Question, n: int, seed: int, rho: float, missing: float
) -> None:
    study = draw_arms(n, 3, below=0.0, effect=0.5, rho=rho, missing=missing, seed=seed)
    found = ESTIMATORS[question](*study.limits, study.arm, study.age)
    expected = least_squares(study, question)
    for name in (*NUMBERS, "n", "n_reference", "n_target"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-8, atol=1e-8)
    assert found.note.tolist() == expected.note.tolist()


@pytest.mark.parametrize("question", METHODS)
def test_the_calibrated_ratio_is_the_t_of_least_squares(question: Question) -> None:
    # Intervals too narrow to say anything send known values through the likelihood.
    study = draw_arms(12, 8, below=0.0, effect=0.5, missing=0.05, seed=7)
    lower_1, upper_1, lower_2, upper_2 = study.limits
    found = ESTIMATORS[question](lower_1 - 1e-6, upper_1 + 1e-6, lower_2, upper_2, study.arm, study.age)
    expected = least_squares(study, question)
    for name in NUMBERS:
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("question", METHODS)
@pytest.mark.parametrize("share", [0.2, 0.45])
def test_p_value_and_interval_agree_and_turn_with_the_arms(question: Question, share: float) -> None:
    study = draw_arms(14, 50, below=share, differ=0.2, effect=1.0, before=0.3, seed=12)
    found = ESTIMATORS[question](*study.limits, study.arm)
    turned = ESTIMATORS[question](*study.limits, 1 - study.arm)
    there = ~np.isnan(found.p_value)
    assert there.mean() > 0.9
    inside = (found.ci_low <= 0) & (found.ci_high >= 0)
    assert (inside == (found.p_value > 0.05))[there].all()
    assert 0.1 < np.mean(found.p_value[there] < 0.05) < 0.95
    np.testing.assert_allclose(found.p_value, turned.p_value, atol=1e-8)
    np.testing.assert_allclose(found.estimate, -turned.estimate, atol=1e-6)
    np.testing.assert_allclose(found.ci_low, -turned.ci_high, atol=1e-6)


@settings(max_examples=6, deadline=None)
@given(st.floats(-50, 50), st.floats(0.01, 100), st.floats(-2, 2), st.sampled_from(sorted(METHODS)))
def test_units_and_what_covariates_explain_carry_over(
    by: float, times: float, slope: float, question: Question
) -> None:
    study = draw_arms(14, 3, below=0.3, differ=0.2, effect=0.5, seed=4)
    moved = [times * (part + slope * study.age) + by for part in study.limits]
    found = ESTIMATORS[question](*study.limits, study.arm, study.age)
    other = ESTIMATORS[question](*moved, study.arm, study.age)
    for name in ("estimate", "se", "ci_low", "ci_high"):
        np.testing.assert_allclose(getattr(other, name), times * getattr(found, name), rtol=1e-6, atol=1e-6 * times)
    np.testing.assert_allclose(other.p_value, found.p_value, atol=1e-7)


@pytest.mark.parametrize("question", METHODS)
def test_non_detects_do_not_bias_the_difference(question: Question) -> None:
    study = draw_arms(24, 150, below=0.4, effect=0.8, seed=13)
    estimate = ESTIMATORS[question](*study.limits, study.arm, study.age).estimate
    assert np.mean(estimate) == pytest.approx(0.8, abs=4 * np.std(estimate) / np.sqrt(150))


def test_only_the_change_forgives_a_difference_that_was_there_from_the_start() -> None:
    study = draw_arms(24, 100, below=0.3, before=1.0, rho=0.5, seed=14)
    change = censored_change_of_arms(*study.limits, study.arm, study.age).estimate
    adjusted = censored_ancova(*study.limits, study.arm, study.age).estimate
    assert np.mean(change) == pytest.approx(0, abs=4 * np.std(change) / 10)
    assert np.mean(adjusted) == pytest.approx(0.5, abs=4 * np.std(adjusted) / 10)


@pytest.mark.parametrize("question", METHODS)
def test_a_dose_is_answered_per_mg(question: Question) -> None:
    study = draw_arms(14, 6, below=0.3, effect=0.6, seed=15)
    for limits in (study.limits, draw_arms(14, 6, below=0.0, seed=16).limits):
        one, dose = (ESTIMATORS[question](*limits, study.arm * mg, study.age) for mg in (1, 4.5))
        np.testing.assert_allclose(dose.estimate, one.estimate / 4.5, rtol=1e-7)
        np.testing.assert_allclose(dose.p_value, one.p_value, rtol=1e-6)
        assert dose.n_target.tolist() == one.n_target.tolist()
    doses = np.tile([0.0, 1.5, 4.5], 5)[:14]
    rng = np.random.default_rng(3)
    x = rng.normal(size=(14, 3))
    y = x + 0.4 * doses[:, None] + 0.3 * rng.normal(size=(14, 3))
    low = np.where(y < 0, -INF, y), np.maximum(y, 0.0)
    found = ESTIMATORS[question](x, x, *low, doses)
    np.testing.assert_allclose(found.estimate, 0.4, atol=0.15)
    assert found.n_reference.tolist() == [5, 5, 5]


ARM = np.array([0, 0, 0, 0, 1, 1, 1, 1.0])
SOME = points(3, 4, 5, 4.5, 3.5, 4.2, 5.1, 3.9)
OTHER = points(3.3, 3.8, 5.4, 4.4, 3.9, 4.1, 5.6, 4.0)
LEVELS = {
    "target arm, target visit": (SOME, OTHER[:4] + below(2, 2, 2, 2), -1, "every target value of the target arm"),
    "reference arm, target visit": (SOME, below(2, 2, 2, 2) + OTHER[4:], 1, "every target value of the reference arm"),
}


@pytest.mark.parametrize("question", METHODS)
@pytest.mark.parametrize("name", LEVELS)
def test_an_arm_wholly_below_its_limit_leaves_one_limit_of_the_difference(name: str, question: Question) -> None:
    reference, target, direction, words = LEVELS[name]
    found = ESTIMATORS[question](*sides(reference, target), ARM)
    assert np.isnan(found.estimate[0])
    assert np.isnan(found.se[0])
    assert found.note[0].startswith(f"{words} is below its limit: {ONE_SIDED[direction]}")
    assert np.sign(found.statistic[0]) == direction
    assert 0 < found.p_value[0] < 0.05
    finite, infinite = (found.ci_high, found.ci_low) if direction < 0 else (found.ci_low, found.ci_high)
    assert infinite[0] == direction * INF
    assert 0 < direction * finite[0] < 3


def test_a_baseline_wholly_below_its_limit_is_no_covariate() -> None:
    reference, target = below(*[2.0] * 8), SOME[:6] + below(3, 3)
    found = censored_arms(*sides(reference, target), ARM, question="ancova")
    assert found.estimates.note[0].startswith(f"every reference value is below its limit: {NO_BASELINE}")
    assert found.estimates.df[0] == 6
    assert np.isnan(found.correlation[0])
    known = censored_ancova(*sides(reference, SOME), ARM)
    values = np.array(SOME)[:, :1]
    expected = student_t(values[4:], values[:4])
    for name in NUMBERS:
        np.testing.assert_allclose(getattr(known, name), getattr(expected, name), rtol=1e-8)
    change = censored_change_of_arms(*sides(reference, target), ARM)
    assert change.note[0] == f"every reference value is below its limit: {UNKNOWN}"


WITHOUT_AN_ANSWER = {
    "no target value": (SOME, below(*[2.0] * 8), ARM, f"every target value is below its limit: {UNKNOWN}"),
    "one arm": (SOME, OTHER[:7] + below(3), np.ones(8), "2 values in the reference arm needed, 0 found"),
    "few": (SOME[:4], OTHER[:3] + below(3), ARM[2:6], "no residual degrees of freedom: 4 subjects for 4 coefficients"),
    "no variation": (points(*[3] * 6) + below(7, 7), points(*[3] * 6) + below(7, 7), ARM, NO_VARIATION),
    "aliased": (SOME, OTHER[:7] + below(3), ARM, "the arm is aliased with site: no estimate"),
}


@pytest.mark.parametrize("name", WITHOUT_AN_ANSWER)
def test_no_answer_is_silent(name: str) -> None:
    reference, target, arm, note = WITHOUT_AN_ANSWER[name]
    site = 1 - arm[:, None] if name == "aliased" else np.tile([0.0, 1.0], len(arm) // 2)[:, None]
    found = censored_ancova(*sides(reference, target), arm, site, covariate_names=["site"])
    assert np.isnan(found.p_value[0])
    assert np.isnan(found.estimate[0])
    assert found.note[0] == note


@pytest.mark.parametrize("question", METHODS)
def test_every_missing_number_has_a_note(question: Question) -> None:
    study = draw_arms(8, 16, below=0.55, differ=0.4, above=0.1, missing=0.1, seed=3)
    found = ESTIMATORS[question](*study.limits, study.arm, study.age)
    for name in NUMBERS:
        empty = ~np.isfinite(getattr(found, name))
        assert (found.note[empty] != "").all(), name
    open_end = np.isinf(found.ci_low) | np.isinf(found.ci_high)
    assert all(OPEN_ENDED in text or "known from" in text for text in found.note[open_end])


@pytest.mark.parametrize("question", ["ancova", "change"])
def test_a_subject_without_a_known_value_counts_as_what_its_partner_does_not_explain(question: Question) -> None:
    study = draw_arms(20, 12, below=0.5, seed=31)
    found = censored_arms(*study.limits, study.arm, question=question)
    unknown = (np.isinf(study.limits[0]) & np.isinf(study.limits[2])).sum(axis=0)
    assert (unknown >= 2).all()
    coefficients = 3 if question == "ancova" else 2
    pairs = 20 - np.clip(found.correlation, 0, 1) ** 2 * unknown
    np.testing.assert_allclose(found.estimates.df, pairs - coefficients, rtol=1e-12)
    t = np.sqrt(found.estimates.df * np.expm1(found.likelihood_ratio / pairs))
    np.testing.assert_allclose(np.abs(found.estimates.statistic), t, rtol=1e-9)


def test_many_non_detects_are_flagged_as_approximate() -> None:
    study = draw_arms(20, 30, below=0.4, seed=5)
    share = np.mean(study.limits[0] < study.limits[1], axis=0) + np.mean(study.limits[2] < study.limits[3], axis=0)
    said = ["more than 40 %" in text for text in censored_ancova(*study.limits, study.arm).note]
    assert said == (share / 2 > 0.4).tolist()
    assert 0 < sum(said) < 30
    relaxed = censored_ancova(*study.limits, study.arm, approximate_above=0.9).note
    assert not any("non-detects" in text for text in relaxed)


@pytest.mark.parametrize("question", METHODS)
def test_result_of_an_analyte_does_not_depend_on_the_others(question: Question) -> None:
    study = draw_arms(11, 30, below=0.4, differ=0.2, missing=0.03, seed=21)
    alone = study.take(np.array([13]))
    whole = ESTIMATORS[question](*study.limits, study.arm, study.age)
    single = ESTIMATORS[question](*alone.limits, alone.arm, alone.age)
    for name in set(Estimates.__dataclass_fields__) - {"method", "p_method", "ci_method"}:
        one, other = getattr(whole, name)[13], getattr(single, name)[0]
        assert one == other or (np.isnan(one) and np.isnan(other)), name


def test_what_does_not_fit_is_refused() -> None:
    study = draw_arms(6, 2)
    with pytest.raises(ValueError, match="one value per subject"):
        censored_ancova(*study.limits, study.arm[:5])
    with pytest.raises(ValueError, match="a dose ≥ 0"):
        censored_ancova(*study.limits, -study.arm)
    with pytest.raises(ValueError, match="level 1 is not"):
        censored_ancova(*study.limits, study.arm, level=1)
    with pytest.raises(ValueError, match="2 covariate names for 1 columns"):
        censored_change_of_arms(*study.limits, study.arm, study.age, covariate_names=["age", "sex"])
