"""Arms, doses and differences of differences with non-detects: estimate, interval, p-value, and what is said."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from cytoshift.shift.censoring.censored_change import NO_VARIATION, OPEN_ENDED
from cytoshift.shift.censoring.interval_answer import CERTAIN, EVERY_VALUE, NO_MAXIMUM, ONE_SIDED
from cytoshift.shift.censoring.interval_regression import (
    BEYOND,
    difference_bounds,
    interval_effect,
    interval_mean,
)
from cytoshift.shift.classical.arms import arm_effect
from cytoshift.shift.classical.moderation import fit_prior, moderate
from cytoshift.shift.classical.paired import paired_t
from cytoshift.shift.estimates import Estimates

INF, NAN = np.inf, np.nan
NUMBERS = ("estimate", "se", "df", "ci_low", "ci_high", "coverage", "statistic", "p_value", "residual_variance")
COUNTS = ("n_reference", "n_target", "n")
ARMS = np.repeat([1.0, 0.0], 4)
Limits = list[tuple[float, float]]


def draw(n: int, features: int, share: float, seed: int, differ: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Values of which a share is below limits that differ, some known between two limits, some missing."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, features))
    limit = stats.norm.ppf(share) + differ * rng.normal(size=values.shape)
    banded = rng.random(values.shape) < 0.1
    low, high = np.where(banded, values - 0.4, values), np.where(banded, values + 0.3, values)
    low, high = np.where(values < limit, -INF, low), np.where(values < limit, limit, high)
    gone = rng.random(values.shape) < 0.05
    return np.where(gone, NAN, low), np.where(gone, NAN, high)


def points(*values: float) -> Limits:
    return [(value, value) for value in values]


def below(*limits: float) -> Limits:
    return [(-INF, limit) for limit in limits]


def above(*limits: float) -> Limits:
    return [(limit, INF) for limit in limits]


def column(limits: Limits) -> tuple[np.ndarray, np.ndarray]:
    """One feature from (lower, upper) of every subject."""
    low, high = np.array(limits, dtype=float).T[:, :, None]
    return low, high


def assert_same(found: Estimates, expected: Estimates, tolerance: float) -> None:
    for name in NUMBERS:
        one, other = getattr(found, name), getattr(expected, name)
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance, err_msg=name)
    for name in COUNTS:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(6, 15), st.floats(0.1, 30), st.booleans())
def test_known_values_get_the_least_squares_of_arm_effect(seed: int, n: int, spread: float, repeated: bool) -> None:
    rng = np.random.default_rng(seed)
    values, arm = spread * rng.normal(1, 1, size=(n, 4)), np.arange(n) % 2.0
    age = rng.normal(size=n)
    covariates = np.column_stack([age, 12 * age if repeated else rng.normal(size=n)])
    values[rng.random(values.shape) < 0.1] = NAN
    covariates[0, 1] = NAN
    names = ["age", "months"]
    found = interval_effect(values, values, arm, covariates, covariate_names=names)
    expected = arm_effect(values, arm, covariates, covariate_names=names)
    assert_same(found, expected, 1e-8)
    assert found.note.tolist() == expected.note.tolist()
    assert (found.method, found.p_method, found.ci_method) == ("censored_linear", "calibrated_lr", "profile")
    # Values known to a millionth go through the likelihood, not through least squares.
    narrow = interval_effect(
        values - 1e-6 * spread, values + 1e-6 * spread, arm, covariates, covariate_names=names, approximate_above=1
    )
    assert_same(narrow, expected, 1e-6)
    assert narrow.note.tolist() == expected.note.tolist()


def test_known_differences_get_the_paired_t() -> None:
    changes = np.random.default_rng(3).normal(0.4, 1, size=(9, 5))
    changes[2, 1] = NAN
    found, expected = interval_mean(changes, changes), paired_t(changes)
    assert_same(found, expected, 1e-8)
    assert found.method == "censored_difference"
    assert_same(interval_mean(changes - 1e-6, changes + 1e-6), expected, 1e-6)


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_p_value_and_interval_agree_and_turn_with_the_arms(share: float) -> None:
    low, high = draw(12, 60, share, seed=5)
    arm = np.tile([1.0, 0.0], 6)
    low, high = low + 0.8 * arm[:, None], high + 0.8 * arm[:, None]
    found, turned = interval_effect(low, high, arm), interval_effect(low, high, 1 - arm)
    there = ~np.isnan(found.p_value)
    assert there.mean() > 0.9
    inside = (found.ci_low <= 0) & (found.ci_high >= 0)
    assert (inside == (found.p_value > 0.05))[there].all()
    assert 0.1 < np.mean(found.p_value[there] < 0.05) < 0.9
    for mirrored, sign in ((turned, -1), (interval_effect(-high, -low, arm), -1)):
        np.testing.assert_allclose(mirrored.p_value, found.p_value, atol=1e-8)
        np.testing.assert_allclose(mirrored.estimate, sign * found.estimate, atol=1e-6)
        np.testing.assert_allclose(mirrored.ci_low, -found.ci_high, rtol=1e-6, atol=1e-6)
    wider = interval_effect(low, high, arm, level=0.99)
    assert (wider.ci_low[there] <= found.ci_low[there]).all()
    assert (wider.ci_high[there] >= found.ci_high[there]).all()


def test_units_of_values_and_of_a_dose_change_nothing_else() -> None:
    low, high = draw(16, 20, 0.3, seed=6)
    dose = np.repeat([0.0, 1.5, 3.0, 4.5], 4)
    age = np.random.default_rng(7).normal(40, 10, size=(16, 1))
    found = interval_effect(low, high, dose, age)
    other = interval_effect(100 + 5 * low, 100 + 5 * high, dose / 1000, 365 * age)
    np.testing.assert_allclose(other.p_value, found.p_value, atol=1e-8)
    for name in ("estimate", "se", "ci_low", "ci_high"):
        np.testing.assert_allclose(getattr(other, name), 5000 * getattr(found, name), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(other.residual_variance, 25 * found.residual_variance, rtol=1e-6)
    present = ~np.isnan(low)
    np.testing.assert_array_equal(found.n_target, present[dose != 0].sum(axis=0))
    np.testing.assert_array_equal(found.n_reference, present[dose == 0].sum(axis=0))


def test_non_detects_do_not_bias_the_difference() -> None:
    low, high = draw(40, 200, 0.4, seed=8)
    arm = np.tile([1.0, 0.0], 20)[:, None]
    found = interval_effect(low + 0.8 * arm, high + 0.8 * arm, arm[:, 0])
    assert np.mean(found.estimate) == pytest.approx(0.8, abs=4 * np.std(found.estimate) / np.sqrt(200))
    assert np.mean(found.residual_variance) == pytest.approx(1, abs=0.1)


BEYOND_ITS_LIMIT = {
    ("target", -1): below(2, 2, 1.5, 2) + points(3, 4, 5, 4.5),
    ("target", 1): above(7, 7, 7.5, 7) + points(3, 4, 5, 4.5),
    ("reference", -1): points(3, 4, 5, 4.5) + below(2, 2, 1.5, 2),
    ("reference", 1): points(3, 4, 5, 4.5) + above(7, 7, 7.5, 7),
}


@pytest.mark.parametrize("name", BEYOND_ITS_LIMIT)
def test_an_arm_wholly_beyond_its_limit_leaves_one_limit_of_the_difference(name: tuple[str, int]) -> None:
    arm, side = name
    low, high = column(BEYOND_ITS_LIMIT[name])
    direction = side if arm == "target" else -side
    found = interval_effect(low, high, ARMS, approximate_above=0.6)
    assert found.note[0] == BEYOND[name] + ONE_SIDED[direction]
    assert all(np.isnan(getattr(found, field)[0]) for field in ("estimate", "se", "residual_variance"))
    # The least upper bound leaves the known arm its own mean and spread, the other a probability of 1.
    known = np.array([3, 4, 5, 4.5])
    limits = np.array(BEYOND_ITS_LIMIT[name])
    limits = limits[limits[:, 0] != limits[:, 1]]

    def loss(place: np.ndarray, by: float) -> float:
        mean, sd = place[0], np.exp(place[1])
        ends = stats.norm.cdf(limits, mean + by, sd)
        return float(-stats.norm.logpdf(known, mean, sd).sum() - np.log(ends[:, 1] - ends[:, 0]).sum())

    def ratio(by: float) -> float:
        start = [known.mean() - by / 2, 0.5]
        best = optimize.minimize(loss, start, (by,), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
        return 2 * (best.fun + stats.norm.logpdf(known, known.mean(), known.std()).sum())

    expected = 2 * stats.t.sf(np.sqrt(6 * np.expm1(ratio(0.0) / 8)), 6)
    assert found.p_value[0] == pytest.approx(expected, rel=1e-6)
    assert np.sign(found.statistic[0]) == direction
    finite, infinite = (found.ci_high, found.ci_low) if direction < 0 else (found.ci_low, found.ci_high)
    assert infinite[0] == direction * INF
    by = finite[0] if arm == "target" else -finite[0]
    assert np.sqrt(6 * np.expm1(ratio(by) / 8)) == pytest.approx(stats.t.isf(0.025, 6), rel=1e-6)


def test_an_arm_beyond_its_limit_is_named_after_what_else_is_said() -> None:
    covariates = np.repeat([[0.0, 0.0]], 8, axis=0) + 1
    found = interval_effect(*column(below(2, 2, 1.5, 2) + points(3, 4, 5, 4.5)), ARMS, covariates, approximate_above=1)
    left_out = "covariate_{} left out: the columns before it say the same; "
    assert found.note[0] == left_out.format(1) + left_out.format(2) + BEYOND["target", -1] + ONE_SIDED[-1]


def test_a_dose_above_which_all_is_below_the_limit_has_no_finite_slope() -> None:
    dose = np.array([0, 0, 0, 0, 1.5, 1.5, 3, 3])
    found = interval_effect(*column(points(3, 4, 5, 4.5) + below(2, 2, 2, 2)), dose, approximate_above=1)
    assert found.note.tolist() == [ONE_SIDED[-1]]
    assert found.ci_low[0] == -INF
    assert found.ci_high[0] < 0


WITHOUT_AN_ANSWER = {
    "all below": (below(*[2] * 8), EVERY_VALUE[-1]),
    "all above": (above(*[2] * 8), EVERY_VALUE[1]),
    "one arm below, the other above": (below(2, 2, 2, 2) + above(5, 5, 5, 5), NO_MAXIMUM),
    "limits alone": (below(2, 2) + above(5, 5) + below(2, 2) + above(5, 5), NO_MAXIMUM),
    "limits alone, of several heights": (below(1, 2, 3) + above(1) + below(2, 3, 4) + above(2), NO_MAXIMUM),
    "no variation": (points(3, 3, 3) + below(7) + points(3, 3, 3) + below(7), NO_VARIATION),
    "equal in each arm": (points(3, 3, 3, 3) + below(2, 2, 2, 2), NO_VARIATION),
    "all equal": (points(*[3] * 8), "the model leaves no spread: no interval and no p-value"),
    "one value": (points(1) + [(NAN, NAN)] * 3 + below(2, 2, 2, 2), "2 values in the target arm needed, 1 found"),
    "no value": ([(NAN, NAN)] * 4 + below(2, 2) + points(3, 4), "2 values in the target arm needed, 0 found"),
    "anything": ([(-INF, INF)] * 4 + below(2, 2) + points(3, 4), "2 values in the target arm needed, 0 found"),
}


@pytest.mark.parametrize("name", WITHOUT_AN_ANSWER)
def test_no_answer_is_silent(name: str) -> None:
    limits, note = WITHOUT_AN_ANSWER[name]
    found = interval_effect(*column(limits), ARMS)
    for field in ("se", "ci_low", "p_value", "statistic"):
        empty = getattr(found, field)[0]
        assert np.isnan(empty) or empty == 0
    assert found.note[0] == note


@pytest.mark.parametrize("share", [0.4, 0.7])
def test_every_missing_number_has_a_note(share: float) -> None:
    low, high = draw(8, 150, share, seed=9, differ=0.5)
    age = np.random.default_rng(10).normal(size=(8, 1))
    found = interval_effect(low, high, np.tile([1.0, 0.0], 4), age)
    for name in NUMBERS:
        numbers = getattr(found, name)
        assert (found.note[np.isnan(numbers) | np.isinf(numbers)] != "").all(), name
    opened = np.isinf(found.ci_low) | np.isinf(found.ci_high)
    assert opened.any()
    assert all(OPEN_ENDED in text or "known from" in text for text in found.note[opened])


def test_aliased_columns_are_named() -> None:
    low, high = draw(12, 4, 0.3, seed=11, differ=0.0)
    arm, age = np.tile([1.0, 0.0], 6), np.random.default_rng(12).normal(size=12)
    twice = np.column_stack([age, 12 * age])
    found = interval_effect(low, high, arm, twice, covariate_names=["age", "months"])
    alone = interval_effect(low, high, arm, age[:, None])
    np.testing.assert_allclose(found.p_value, alone.p_value, atol=1e-8)
    assert all("months left out: the columns before it say the same" in text for text in found.note)
    aliased = interval_effect(low, high, arm, (1 - arm)[:, None], covariate_names=["plate_2"])
    assert set(aliased.note) == {"the arm is aliased with plate_2: no estimate"}
    assert np.isnan(aliased.estimate).all()
    many = interval_effect(low, high, arm, np.random.default_rng(1).normal(size=(12, 12)))
    assert all(text.startswith("no residual degrees of freedom") for text in many.note)


def test_a_plate_wholly_below_its_limit_says_nothing_about_the_arms() -> None:
    low, high = draw(18, 5, 0.3, seed=13, differ=0.0)
    arm, plate = np.tile([1.0, 0.0], 9), np.arange(18) >= 12
    low[plate], high[plate] = -INF, 1.0
    both = interval_effect(low, high, arm, plate[:, None].astype(float))
    alone = interval_effect(low[~plate], high[~plate], arm[~plate])
    for name in NUMBERS:
        np.testing.assert_allclose(getattr(both, name), getattr(alone, name), rtol=1e-6, atol=1e-8, err_msg=name)
    assert (both.n - alone.n == (~np.isnan(low[plate])).sum(axis=0)).all()
    assert all(f"{CERTAIN} {gone}" in text for gone, text in zip(both.n - alone.n, both.note, strict=True))


def test_many_non_detects_are_flagged_as_approximate() -> None:
    low, high = draw(20, 40, 0.35, seed=14, differ=0.0)
    share = (low < high).sum(axis=0) / (~np.isnan(low)).sum(axis=0)
    arm = np.tile([1.0, 0.0], 10)
    said = ["more than 40 % non-detects: approximate" in text for text in interval_effect(low, high, arm).note]
    assert said == (share > 0.4).tolist()
    assert 0 < sum(said) < 40
    assert not any(interval_effect(low, high, arm, approximate_above=0.9).note)


def test_moderation_takes_the_estimates() -> None:
    low, high = draw(16, 40, 0.1, seed=15)
    found = interval_effect(low, high, np.tile([1.0, 0.0], 8))
    moderated = moderate(found, fit_prior(found.residual_variance, found.df))
    np.testing.assert_allclose(moderated.se**2 / moderated.residual_variance, found.se**2 / found.residual_variance)
    assert moderated.method == "moderated_censored_linear"
    assert (moderated.df > found.df).all()


def test_a_feature_does_not_depend_on_the_others() -> None:
    low, high = draw(14, 40, 0.4, seed=16)
    arm, age = np.tile([1.0, 0.0], 7), np.random.default_rng(17).normal(size=(14, 1))
    for fit in (lambda low, high: interval_effect(low, high, arm, age), interval_mean):
        whole = fit(low, high)
        for feature in (0, 23):
            alone = fit(low[:, [feature]], high[:, [feature]])
            for name in (*NUMBERS, *COUNTS, "note"):
                one, other = getattr(whole, name)[feature], getattr(alone, name)[0]
                assert one == other or (np.isnan(one) and np.isnan(other)), name


def test_no_features_give_an_empty_answer() -> None:
    assert interval_effect(np.empty((8, 0)), np.empty((8, 0)), ARMS).p_value.shape == (0,)
    assert interval_mean(np.empty((8, 0)), np.empty((8, 0))).p_value.shape == (0,)


def test_mean_of_differences_known_between_limits() -> None:
    low, high = draw(12, 100, 0.3, seed=18)
    found = interval_mean(low + 1, high + 1)
    assert np.mean(found.estimate) == pytest.approx(1, abs=4 * np.std(found.estimate) / 10)
    moved, turned = interval_mean(low, high), interval_mean(-high, -low)
    np.testing.assert_allclose(found.estimate - 1, moved.estimate, atol=1e-6)
    np.testing.assert_allclose(moved.p_value, turned.p_value, atol=1e-8)
    assert ((moved.ci_low <= 0) & (moved.ci_high >= 0) == (moved.p_value > 0.05)).all()
    few = interval_mean(*column([(1.0, 2.0), (NAN, NAN), (-INF, INF)]))
    assert few.note.tolist() == ["2 pairs needed, 1 found"]
    assert interval_mean(*column(below(1, 2, 3))).note.tolist() == [EVERY_VALUE[-1]]


def test_limits_of_a_difference() -> None:
    reference_low, reference_high = np.array([1, -INF, -INF, 4, NAN, 1, 1]), np.array([1, 2, 2, INF, NAN, 2, 1])
    target_low, target_high = np.array([3, 3, -INF, 6, 3, 3, -INF]), np.array([3, 3, 2, 6, 3, 3.5, 2])
    low, high = difference_bounds(reference_low, reference_high, target_low, target_high)
    np.testing.assert_array_equal(low, [2, 1, NAN, -INF, NAN, 1, -INF])
    np.testing.assert_array_equal(high, [2, INF, NAN, 2, NAN, 2.5, 1])
    # A difference of differences: what is known from one side only stays so, or is lost.
    again = difference_bounds(low, high, np.full(7, 1.0), np.full(7, 1.0))
    np.testing.assert_array_equal(again[0], [-1, -INF, NAN, -1, NAN, -1.5, 0])
    np.testing.assert_array_equal(again[1], [-1, 0, NAN, INF, NAN, 0, INF])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"exposure": np.ones(3)}, "one value per subject"),
        ({"exposure": np.array([1, 0, NAN, 1, 0, 1, 0, 1.0])}, "exposure must be a number"),
        ({"covariates": np.ones((3, 1))}, "covariates have the shape"),
        ({"covariates": np.ones((8, 1)), "covariate_names": ["a", "b"]}, "2 covariate names for 1 columns"),
        ({"level": 95}, "between 0 and 1"),
        ({"upper": np.zeros((8, 2))}, "lower ≤ upper"),
        ({"upper": np.ones((8, 1))}, "one shape"),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, object], message: str) -> None:
    given = {"lower": np.ones((8, 2)), "upper": np.ones((8, 2)), "exposure": ARMS, **options}
    with pytest.raises(ValueError, match=message):
        interval_effect(**given)
