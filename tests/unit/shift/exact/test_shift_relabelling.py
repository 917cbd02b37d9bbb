"""Relabelling of arms: the act of randomisation, repeated."""

import math

import numpy as np
import pytest
from scipy import stats

from cytoshift.shift.exact.flips import contrast_rng
from cytoshift.shift.exact.relabelling import arm_relabellings, relabelling_orbit, relabelling_test


def assert_exact(p_values: np.ndarray) -> None:
    size = len(p_values)
    reached = np.sort(np.rint(p_values * size))
    assert (np.searchsorted(reached, np.arange(size + 1), side="right") <= np.arange(size + 1)).all()


CASES = {
    "ties": ([1, 1, 2, 2, 3, 3, 3, 5], [1, 0, 1, 0, 1, 0, 1, 0], None),
    "strata": ([0.1, 0.4, 0.4, 2, -1, 0.3, 0.3, 1], [1, 1, 0, 0, 0, 1, 1, 0], ["a"] * 4 + ["b"] * 4),
    "missing": ([0.1, np.nan, 0.4, 2, -1, np.nan, 0.3, 1], [1, 1, 0, 0, 0, 1, 1, 0], ["a"] * 4 + ["b"] * 4),
    "unequal": ([0.3, 1.2, -0.7, 2.2, 0.1, 0.9], [1, 0, 0, 0, 0, 1], None),
    "one arm in a stratum": ([1, 2, 3, 4, 5, 6.5], [1, 1, 1, 0, 1, 0], ["a", "a", "b", "b", "b", "b"]),
}


@pytest.mark.parametrize("name", CASES)
def test_orbit(name: str) -> None:
    scores, arm, strata = (np.array(part) if part is not None else None for part in CASES[name])
    p_values = []
    for labels in arm_relabellings(arm == 1, strata).weights.T:
        own = arm_relabellings(labels == 1, strata)
        p_values.append(relabelling_test(scores[:, None], labels == 1, own, strata).p_value[0])
    assert len(p_values) > 1
    assert_exact(np.array(p_values))


def test_relabellings_keep_the_arm_sizes_of_each_stratum_and_start_with_the_truth() -> None:
    strata = np.array([2, 10, 2, 10, 2, 10, 10])
    target = np.array([1, 0, 0, 1, 0, 1, 0], dtype=bool)
    few = arm_relabellings(target, strata)
    assert few.complete
    assert few.draws == math.comb(3, 1) * math.comb(4, 2) == len(np.unique(few.weights, axis=1).T)
    many = arm_relabellings(target, strata, max_exact=5, draws=200, rng=contrast_rng(1, "a"))
    assert not many.complete
    assert many.draws == 201
    for labels in (few.weights, many.weights):
        np.testing.assert_array_equal(labels[:, 0], target)
        assert (labels[strata == 2].sum(axis=0) == 1).all()
        assert (labels[strata == 10].sum(axis=0) == 2).all()
    assert len(np.unique(many.weights, axis=1).T) == few.draws


def test_without_strata_it_is_the_permutation_test_of_the_mean_difference() -> None:
    rng = np.random.default_rng(1)
    scores, target = rng.normal(size=(9, 5)), np.arange(9) < 4
    expected = [
        stats.permutation_test(
            (x[target], x[~target]), lambda a, b: abs(a.mean() - b.mean()), n_resamples=np.inf, alternative="greater"
        ).pvalue
        for x in scores.T
    ]
    np.testing.assert_allclose(relabelling_test(scores, target, arm_relabellings(target)).p_value, expected, rtol=1e-12)


def test_statistic_has_mean_zero_and_variance_one_over_the_relabellings() -> None:
    strata, target = np.array(["a"] * 5 + ["b"] * 4), np.array([1, 1, 0, 0, 0, 1, 0, 0, 0], dtype=bool)
    scores = np.random.default_rng(2).normal(3, 1, size=(9, 4))
    scores[0, 0] = scores[6, 1] = np.nan
    orbit = relabelling_orbit(scores, target, arm_relabellings(target, strata), strata)
    statistics = orbit.statistics(slice(0, 4), slice(0, orbit.draws))
    np.testing.assert_allclose(statistics.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(statistics.var(axis=1), 1, rtol=1e-12)


def test_a_shift_of_a_whole_stratum_changes_nothing() -> None:
    strata, target = np.array(["a"] * 5 + ["b"] * 4), np.array([1, 1, 0, 0, 0, 1, 0, 0, 1], dtype=bool)
    scores = np.random.default_rng(3).normal(size=(9, 3))
    relabellings = arm_relabellings(target, strata)
    moved = scores + 1000 * (strata == "b")[:, None]
    first = relabelling_test(scores, target, relabellings, strata)
    second = relabelling_test(moved, target, relabellings, strata)
    np.testing.assert_array_equal(first.p_value, second.p_value)
    np.testing.assert_allclose(first.statistic, second.statistic, rtol=1e-9)


def test_simulated_size_is_at_most_the_level() -> None:
    target = np.arange(10) < 5
    scores = np.random.default_rng(4).standard_t(3, size=(10, 4000))
    test = relabelling_test(scores, target, arm_relabellings(target))
    attainable = np.floor(0.05 * 126) / 126  # a relabelling and its mirror image tie
    size = np.mean(test.p_value <= 0.05)
    assert abs(size - attainable) <= 3 * np.sqrt(attainable * (1 - attainable) / 4000)
    np.testing.assert_allclose(test.smallest_p, 2 / 252)


def test_nothing_to_compare_gives_a_note_and_p_one() -> None:
    target = np.array([1, 1, 1, 0, 0, 0], dtype=bool)
    scores = np.column_stack([np.full(6, 0.1), np.full(6, np.nan), np.arange(6.0)])
    test = relabelling_test(scores, target, arm_relabellings(target))
    assert np.isnan(test.statistic).tolist() == [True, True, False]
    assert test.p_value[:2].tolist() == [1, 1]
    assert [bool(note) for note in test.note] == [True, True, False]
    assert test.n_informative.tolist() == [0, 0, 6]
    everyone = np.ones(6, dtype=bool)
    empty_arm = relabelling_test(scores, everyone, arm_relabellings(everyone))
    assert empty_arm.p_value.tolist() == [1, 1, 1]
    assert all(empty_arm.note)


def test_shapes_that_do_not_fit_are_refused() -> None:
    target = np.array([1, 0, 1, 0], dtype=bool)
    with pytest.raises(ValueError, match="strata of 3 subjects"):
        arm_relabellings(target, np.array([1, 1, 2]))
    with pytest.raises(ValueError, match="need a generator"):
        arm_relabellings(np.arange(40) < 20)
    with pytest.raises(ValueError, match="of 4 subjects"):
        relabelling_orbit(np.ones((5, 1)), target, arm_relabellings(target))
    with pytest.raises(ValueError, match="infinite"):
        relabelling_orbit(np.full((4, 1), np.inf), target, arm_relabellings(target))
