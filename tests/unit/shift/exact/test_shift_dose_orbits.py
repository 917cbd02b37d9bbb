"""Doses handed out again: the lot, repeated."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytoshift.shift.exact.dose_orbits import dose_orbit, dose_relabellings, dose_test
from cytoshift.shift.exact.flips import contrast_rng
from cytoshift.shift.exact.global_test import global_test
from cytoshift.shift.exact.max_t import max_t
from cytoshift.shift.exact.null_model import null_scores
from cytoshift.shift.exact.relabelling import arm_relabellings, relabelling_orbit


def assert_exact(p_values: np.ndarray) -> None:
    size = len(p_values)
    reached = np.sort(np.rint(p_values * size))
    assert (np.searchsorted(reached, np.arange(size + 1), side="right") <= np.arange(size + 1)).all()


DESIGNS = {
    "one stratum": ([0, 0, 1.5, 1.5, 4.5, 4.5], None),
    "two strata": ([0, 1.5, 3, 0, 0, 1.5, 4.5], ["a"] * 3 + ["b"] * 4),
    "a stratum with one dose": ([3, 3, 0, 1.5, 1.5, 3, 4.5], ["a"] * 2 + ["b"] * 5),
}


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6])
@pytest.mark.parametrize("name", DESIGNS)
def test_orbit(name: str, share: float) -> None:
    """The whole procedure on every way the doses could have been handed out: no p-value comes up too often."""
    dose, strata = (np.array(part) if part is not None else None for part in DESIGNS[name])
    generator = np.random.default_rng(5)
    values = generator.normal(4, 1, size=(len(dose), 3))
    limit = np.quantile(values, share, axis=0)
    values = np.where(values < limit, limit - 0.5, values)  # limit/√2 stands in on the log2 scale
    values[1, 2] = np.nan
    age = generator.normal(45, 9, size=len(dose))
    strata_column = np.zeros(len(dose)) if strata is None else (strata == "b") * 1.0
    p_values, adjusted, together = [], [], []
    scores = null_scores(values, np.column_stack([age, strata_column]))
    shares = dose_relabellings(dose, strata)
    assert shares.complete
    for labels in shares.weights.T:
        own = dose_relabellings(labels, strata)
        orbit = dose_orbit(scores, labels, own, strata)
        p_values.append(dose_test(scores, labels, own, strata).p_value)
        adjusted.append(max_t(orbit).step_down.min())
        together.append(global_test(orbit, np.ones(3)).p_value)
    for feature in np.array(p_values).T:
        assert_exact(feature)
    assert_exact(np.array(adjusted))
    assert_exact(np.array(together))


@settings(max_examples=30, deadline=None)
@given(
    dose=st.lists(st.sampled_from([0.0, 1.5, 3.0, 4.5]), min_size=1, max_size=7),
    strata=st.lists(st.sampled_from(["a", "b"]), min_size=7, max_size=7),
)
def test_every_way_is_listed_once_and_each_stratum_keeps_its_doses(dose: list[float], strata: list[str]) -> None:
    given_dose, groups = np.array(dose), np.array(strata[: len(dose)])
    listed = dose_relabellings(given_dose, groups, max_exact=10_000).weights
    ways = 1
    for group in ("a", "b"):
        own = given_dose[groups == group]
        counts = [int((own == level).sum()) for level in np.unique(own)]
        ways *= math.factorial(len(own)) // math.prod(math.factorial(count) for count in counts)
        here = np.sort(listed[groups == group], axis=0)
        assert (here == here[:, :1]).all()
    assert len(np.unique(listed, axis=1).T) == listed.shape[1] == ways
    order = np.argsort(given_dose, kind="stable")
    assert (np.diff(listed[order, 0]) >= 0).all()  # the first way is the true one


def test_two_doses_are_two_arms_to_the_last_bit() -> None:
    generator = np.random.default_rng(6)
    target, strata = generator.random(11) < 0.5, np.array(["x"] * 6 + ["y"] * 5)
    scores = generator.normal(size=(11, 4))
    scores[2, 1] = np.nan
    doses, arms = dose_relabellings(4.5 * target, strata), arm_relabellings(target, strata)
    np.testing.assert_array_equal(doses.weights, arms.weights)
    first, second = dose_orbit(scores, 4.5 * target, doses, strata), relabelling_orbit(scores, target, arms, strata)
    np.testing.assert_array_equal(first.scores, second.scores)
    random = dose_relabellings(4.5 * target, strata, max_exact=2, draws=30, rng=contrast_rng(1, "a"))
    labels = arm_relabellings(target, strata, max_exact=2, draws=30, rng=contrast_rng(1, "a"))
    np.testing.assert_array_equal(random.weights, labels.weights)


def test_statistic_has_mean_zero_and_variance_one_over_the_lot() -> None:
    dose, strata = np.array([0, 1.5, 4.5, 0, 3, 0, 1.5, 1.5, 3]), np.array(["a"] * 5 + ["b"] * 4)
    scores = np.random.default_rng(2).normal(3, 1, size=(9, 4))
    scores[0, 0] = scores[6, 1] = np.nan
    orbit = dose_orbit(scores, dose, dose_relabellings(dose, strata), strata)
    statistics = orbit.statistics(slice(0, 4), slice(0, orbit.draws))
    np.testing.assert_allclose(statistics.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(statistics.var(axis=1), 1, rtol=1e-12)


def test_the_unit_of_the_dose_and_its_zero_change_nothing() -> None:
    dose = np.array([0, 1.5, 3, 4.5, 0, 1.5, 3])
    scores = np.round(np.random.default_rng(3).normal(size=(7, 20)), 1)
    expected = dose_test(scores, dose, dose_relabellings(dose))
    for other in (dose * 1e-9, dose / 7 * 1e6, dose + 100):
        found = dose_test(scores, other, dose_relabellings(other))
        np.testing.assert_array_equal(found.p_value, expected.p_value)
        np.testing.assert_allclose(found.statistic, expected.statistic, rtol=1e-9, atol=1e-12)


def test_many_subjects_take_random_ways_and_find_a_trend() -> None:
    dose, strata = np.tile([0, 1.5, 3, 4.5], 8), np.repeat(["a", "b"], 16)
    scores = np.random.default_rng(4).normal(size=(32, 2))
    scores[:, 0] -= 0.8 * dose
    ways = dose_relabellings(dose, strata, draws=999, rng=contrast_rng(1, "dose"))
    assert not ways.complete
    assert ways.draws == 1000
    np.testing.assert_array_equal(ways.weights[:, 0], dose / 4.5)
    test = dose_test(null_scores(scores), dose, ways, strata)
    assert test.statistic[0] < 0
    assert test.p_value[0] == 1 / 1000
    assert test.p_value[1] > 0.01


def test_simulated_size_is_the_attainable_level() -> None:
    dose = np.array([0, 0, 1.5, 1.5, 4.5, 4.5])
    scores = np.random.default_rng(7).standard_t(3, size=(6, 4000))
    attainable = math.floor(0.05 * 90) / 90
    size = np.mean(dose_test(scores, dose, dose_relabellings(dose)).p_value <= 0.05)
    assert abs(size - attainable) <= 3 * np.sqrt(attainable * (1 - attainable) / 4000)


def test_nothing_to_compare_gives_a_note_and_p_one() -> None:
    dose = np.array([0, 1.5, 1.5, 3, 4.5])
    scores = np.column_stack([np.full(5, 0.1), np.full(5, np.nan), np.arange(5.0)])
    test = dose_test(scores, dose, dose_relabellings(dose))
    assert np.isnan(test.statistic).tolist() == [True, True, False]
    assert test.p_value[:2].tolist() == [1, 1]
    assert [bool(note) for note in test.note] == [True, True, False]
    alike = np.full(5, 3.0)
    same_dose = dose_test(scores, alike, dose_relabellings(alike))
    assert same_dose.p_value.tolist() == [1, 1, 1]
    assert all(same_dose.note)


def test_arguments_that_do_not_fit_are_refused() -> None:
    dose = np.array([0, 1.5, 1.5, 3])
    ways = dose_relabellings(dose)
    with pytest.raises(ValueError, match="dose is missing"):
        dose_relabellings(np.array([0, np.nan, 3]))
    with pytest.raises(ValueError, match="or more, and finite"):
        dose_relabellings(-dose)
    with pytest.raises(ValueError, match="need a generator"):
        dose_relabellings(np.arange(12.0))
    with pytest.raises(ValueError, match="strata of 3"):
        dose_relabellings(dose, np.array([1, 1, 2]))
    with pytest.raises(ValueError, match="of other doses"):
        dose_orbit(np.ones((4, 1)), dose[::-1], ways)
    with pytest.raises(ValueError, match="of 4 subjects"):
        dose_orbit(np.ones((5, 1)), dose, ways)
