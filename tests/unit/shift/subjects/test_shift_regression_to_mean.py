"""Regression to the mean: people chosen for a high value, measured again, and nothing done to them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cytoshift.shift.subjects.regression_to_mean import ASSUMPTIONS, CitedPopulation, regression_to_mean

NAN = np.nan
MEAN, SPREAD, CORRELATION, LIMIT = 1.0, 1.5, 0.6, 2.0
TRIALS, SUBJECTS = 1500, 30


def cited(features: int, mean: float = MEAN, correlation: float = CORRELATION) -> CitedPopulation:
    unknown = np.full(features, NAN)
    return CitedPopulation(np.full(features, mean), np.full(features, correlation), unknown, unknown)


def identity(features: int) -> np.ndarray:
    return np.full(features, "identity", dtype=object)


def visits_of_selected(rule: str, seed: int) -> np.ndarray:
    """Three visits (visits, subjects, trials) of untreated people who entered by a deciding value above LIMIT.

    A person's own level and the day's chance share the variance as CORRELATION says, at every visit alike.
    """
    generator = np.random.default_rng(seed)
    person = generator.normal(MEAN, SPREAD * np.sqrt(CORRELATION), size=250_000)
    visits = person + generator.normal(0, SPREAD * np.sqrt(1 - CORRELATION), size=(3, person.size))
    deciding = visits[0] if rule == "first" else visits[:2].mean(axis=0)
    return visits[:, deciding > LIMIT][:, : SUBJECTS * TRIALS].reshape(3, SUBJECTS, TRIALS)


def assert_recovered(expected: np.ndarray, observed: np.ndarray) -> None:
    """On average over trials the change expected is the change seen, which is far from nothing."""
    gap = observed - expected
    assert abs(gap.mean()) <= 3 * gap.std() / np.sqrt(len(gap))
    assert observed.mean() < -0.2


def test_cited_mean_and_correlation_recover_the_change_of_untreated_people() -> None:
    first, second, _ = visits_of_selected("first", 1)
    observed = (second - first).mean(axis=0)
    found = regression_to_mean(first, observed, identity(TRIALS), population=cited(TRIALS))
    assert_recovered(found.expected, observed)
    assert set(found.basis) == {"cited"}
    assert np.isnan(found.ci_low).all()


def test_a_second_baseline_recovers_it_without_mean_or_correlation() -> None:
    first, second, third = visits_of_selected("first", 2)
    observed = (third - first).mean(axis=0)
    found = regression_to_mean(first, observed, identity(TRIALS), other_baseline=second)
    assert_recovered(found.expected, observed)
    assert set(found.basis) == {"baselines"}
    above = stats.truncnorm.mean((LIMIT - MEAN) / SPREAD, np.inf) * SPREAD
    truth = -(1 - CORRELATION) * above
    inside = np.mean((found.ci_low <= truth) & (truth <= found.ci_high))
    assert abs(inside - 0.95) <= 3 * np.sqrt(0.95 * 0.05 / TRIALS) + 0.005
    # The slope is the population's correlation; the correlation of selected people is not.
    assert found.correlation.mean() == pytest.approx(CORRELATION, abs=0.02)
    assert np.corrcoef(first[:, 0], second[:, 0])[0, 1] < CORRELATION


def test_where_the_mean_of_two_visits_decided_the_correlation_is_that_of_their_mean() -> None:
    first, second, third = visits_of_selected("mean of two", 4)
    assert abs((second - first).mean()) < 0.02  # their difference shows nothing
    entry = (first + second) / 2
    observed = (third - entry).mean(axis=0)
    found = regression_to_mean(entry, observed, identity(TRIALS), population=cited(TRIALS), visits_averaged=2)
    assert_recovered(found.expected, observed)


@pytest.mark.parametrize("basis", ["cited", "baselines"])
def test_a_contrast_from_the_mean_of_two_visits_of_which_one_decided_has_half_of_it(basis: str) -> None:
    first, second, third = visits_of_selected("first", 5)
    observed = (third - (first + second) / 2).mean(axis=0)
    known = {"population": cited(TRIALS)} if basis == "cited" else {"other_baseline": second}
    found = regression_to_mean(first, observed, identity(TRIALS), weight=0.5, **known)
    assert_recovered(found.expected, observed)
    assert set(found.basis) == {basis}


def test_interval_covers_where_the_source_is_a_sample() -> None:
    generator = np.random.default_rng(6)
    sources, people = 2000, 60
    pair = generator.normal(size=(2, people, sources))
    one = MEAN + SPREAD * pair[0]
    two = MEAN + SPREAD * (CORRELATION * pair[0] + np.sqrt(1 - CORRELATION**2) * pair[1])
    centred = [values - values.mean(axis=0) for values in (one, two)]
    rho = (centred[0] * centred[1]).sum(axis=0) / np.sqrt((centred[0] ** 2).sum(axis=0) * (centred[1] ** 2).sum(axis=0))
    source = CitedPopulation(one.mean(axis=0), rho, one.std(axis=0, ddof=1) / np.sqrt(people), np.full(sources, people))
    deciding = np.tile(np.array([[2.5], [3.0], [4.1]]), sources)
    found = regression_to_mean(deciding, np.full(sources, -1.0), identity(sources), population=source)
    truth = -(1 - CORRELATION) * (3.2 - MEAN)
    inside = np.mean((found.ci_low <= truth) & (truth <= found.ci_high))
    assert abs(inside - 0.95) <= 3 * np.sqrt(0.95 * 0.05 / sources) + 0.005


@settings(max_examples=40, deadline=None)
@given(
    first=st.lists(st.integers(-40, 40), min_size=4, max_size=12, unique=True),
    seed=st.integers(0, 1000),
)
def test_mean_and_slope_of_the_baselines_say_the_same_as_their_difference(first: list[int], seed: int) -> None:
    deciding = np.array(first)[:, None] / 4
    other = 0.5 * deciding + np.random.default_rng(seed).normal(size=deciding.shape)
    found = regression_to_mean(deciding, np.array([-1.0]), identity(1), other_baseline=other)
    slope, intercept = np.polyfit(deciding[:, 0], other[:, 0], 1)
    assert found.correlation[0] == pytest.approx(slope, rel=1e-6, abs=1e-6)
    fixed_point = intercept / (1 - slope)
    assert found.expected[0] == pytest.approx(-(1 - slope) * (deciding.mean() - fixed_point), rel=1e-6, abs=1e-6)


def test_by_hand_and_in_words() -> None:
    deciding = np.array([[3.0, 3, 3, 3, 3, NAN], [5, 5, 5, 5, 5, NAN]])
    observed = np.array([-2.4, -1.0, 0.7, NAN, -500.0, -1])
    scale = np.array(["log2", "logit", "identity", "identity", "log2", "log2"], dtype=object)
    found = regression_to_mean(deciding, observed, scale, population=cited(6, mean=1.0, correlation=0.6))
    np.testing.assert_allclose(found.expected[:5], -(1 - 0.6) * (4 - 1))
    np.testing.assert_allclose(found.share, [0.5, 1, 0, NAN, 1.2 / 500, NAN])
    exact = "; from the cited mean and correlation, taken as exact"
    assert found.words.tolist() == [
        "ratio 0.435 expected without treatment, 50 % of the observed log2 change" + exact,
        "odds ratio 0.301 expected without treatment, all of the observed logit change" + exact,
        "change -1.2 expected without treatment, none of the observed change" + exact,
        "change -1.2 expected without treatment" + exact,
        "ratio 0.435 expected without treatment, less than 1 % of the observed log2 change" + exact,
        "not quantifiable here: no second baseline, and no cited population mean and correlation",
    ]
    assert set(found.basis) == {"cited", ""}
    assert set(ASSUMPTIONS) == {"cited", "baselines"}


def test_each_feature_takes_what_is_known_about_it() -> None:
    deciding = np.array([[3.0, 3, 3], [5, 5, 5], [7, 7, 7]])
    other = np.array([[3.0, 2, NAN], [4, NAN, NAN], [5, NAN, NAN]])
    population = CitedPopulation(
        np.array([1.0, 1, NAN]), np.array([0.6, 0.6, 0.6]), np.array([NAN, 0.2, NAN]), np.array([NAN, 103, NAN])
    )
    scale = np.full(3, "log2", dtype=object)
    found = regression_to_mean(deciding, np.full(3, -2.0), scale, other_baseline=other, population=population)
    assert found.basis.tolist() == ["baselines", "cited", ""]
    np.testing.assert_allclose(found.expected, [-1, -1.6, NAN])
    half = stats.t.isf(0.025, 2) / np.sqrt(3)
    np.testing.assert_allclose([found.ci_low[0], found.ci_high[0]], [-1 - half, -1 + half])
    se = np.hypot(4 * (1 - 0.36) / 10, 0.4 * 0.2)
    assert found.se[1] == pytest.approx(se)
    assert found.ci_high[1] == pytest.approx(-1.6 + stats.norm.isf(0.025) * se)
    assert found.words[0].endswith("50 % of the observed log2 change; seen between two baselines of 3 subjects")
    assert found.words[1].endswith("80 % of the observed log2 change; from the cited mean and correlation")


def test_a_perfect_correlation_leaves_nothing_to_regress() -> None:
    found = regression_to_mean(
        np.array([[3.0], [5.0]]), np.array([-1.0]), identity(1), population=cited(1, correlation=1.0)
    )
    assert found.words[0].startswith("change 0 expected without treatment, none of the observed change")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"observed": np.ones(3)}, "observed .3,. and scale"),
        ({"scale": np.array(["log10", "log2"], dtype=object)}, "scale 'log10' is not one of log2"),
        ({"population": cited(2, correlation=1.2)}, "between 0 and 1"),
        ({"population": cited(3)}, "population mean has the shape"),
        ({"other_baseline": np.ones((3, 2))}, "other_baseline has the shape"),
        ({"weight": 0.0}, "weight 0.0"),
        ({"visits_averaged": 0}, "visits_averaged 0"),
        ({"level": 95.0}, "level 95"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(change: dict, message: str) -> None:
    arguments = {"observed": np.ones(2), "scale": identity(2), "population": cited(2)} | change
    with pytest.raises(ValueError, match=message):
        regression_to_mean(np.ones((4, 2)), **arguments)
