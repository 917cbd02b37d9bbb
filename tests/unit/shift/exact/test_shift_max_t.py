"""Max-T: exact over the orbit, strong control, and the same numbers however the work is cut."""

import numpy as np
import pytest

from cytoshift.shift.exact.flips import contrast_rng, sign_flip_orbit, sign_flip_test, sign_flips
from cytoshift.shift.exact.max_t import max_t
from cytoshift.shift.exact.relabelling import arm_relabellings, relabelling_orbit


def every_sign(n: int) -> np.ndarray:
    return np.array(np.meshgrid(*[[1.0, -1.0]] * n)).reshape(n, -1).T


def assert_exact(p_values: np.ndarray) -> None:
    size = len(p_values)
    reached = np.sort(np.rint(p_values * size))
    assert (np.searchsorted(reached, np.arange(size + 1), side="right") <= np.arange(size + 1)).all()


def family(n: int, features: int, seed: int) -> np.ndarray:
    """Correlated scores with ties, zeros and a missing pair."""
    rng = np.random.default_rng(seed)
    scores = np.round(rng.normal(size=(n, features)) + rng.normal(size=(n, 1)), 1)
    scores[0, 1] = np.nan
    scores[:, 2] = np.sign(scores[:, 2])
    scores[:3, 3] = 0
    return scores


@pytest.mark.parametrize("n", [5, 6, 8])
def test_orbit_of_the_whole_family(n: int) -> None:
    flips = sign_flips(n)
    results = [max_t(sign_flip_orbit(family(n, 5, n) * signs[:, None], flips)) for signs in every_sign(n)]
    assert_exact(np.array([result.single_step.min() for result in results]))
    assert_exact(np.array([result.step_down.min() for result in results]))
    smallest = {result.smallest_adjusted_p for result in results}
    assert smallest == {min(result.single_step.min() for result in results)}


def test_orbit_of_the_true_nulls_when_other_features_moved() -> None:
    """Strong control: the features that moved stay as they are, the others are swapped in every way."""
    n, moved = 7, np.array([0, 1])
    scores = family(n, 6, 1)
    scores[:, moved] = np.abs(scores[:, moved]) + 5
    flips = sign_flips(n)
    smallest = []
    for signs in every_sign(n):
        swapped = scores * signs[:, None]
        swapped[:, moved] = scores[:, moved]
        smallest.append(np.delete(max_t(sign_flip_orbit(swapped, flips)).step_down, moved).min())
    assert_exact(np.array(smallest))


@pytest.mark.parametrize("n", [6, 8, 12])
def test_family_wise_error_of_correlated_features_is_at_most_alpha(n: int) -> None:
    rng, flips, studies = np.random.default_rng(n), sign_flips(n), 2000
    scores = rng.normal(size=(studies, n, 6)) + rng.normal(size=(studies, n, 1))
    smallest = np.array([max_t(sign_flip_orbit(study, flips)).step_down.min() for study in scores])
    attainable = np.floor(0.05 * flips.draws) / flips.draws
    assert np.mean(smallest <= 0.05) <= attainable + 3 * np.sqrt(attainable * (1 - attainable) / studies)
    if n == 12:  # at 6 and 8 pairs ties between features at their extremes make it smaller
        assert np.mean(smallest <= 0.05) >= attainable - 3 * np.sqrt(attainable * (1 - attainable) / studies)


def test_one_feature_needs_no_adjustment() -> None:
    scores = np.random.default_rng(1).normal(0.8, 1, size=(9, 1))
    flips = sign_flips(9)
    result = max_t(sign_flip_orbit(scores, flips))
    p_value = sign_flip_test(scores, flips).p_value
    np.testing.assert_array_equal(result.single_step, p_value)
    np.testing.assert_array_equal(result.step_down, p_value)


def test_step_down_lies_between_the_raw_and_the_single_step_p() -> None:
    scores = np.random.default_rng(2).normal(0.5, 1, size=(10, 40))
    flips = sign_flips(10)
    result = max_t(sign_flip_orbit(scores, flips))
    assert (result.step_down <= result.single_step).all()
    assert (result.step_down >= sign_flip_test(scores, flips).p_value).all()
    falling = np.argsort(-np.abs(result.statistic))
    assert (np.diff(result.step_down[falling]) >= 0).all()
    assert (result.step_down < result.single_step).any()


def test_copies_of_a_feature_cost_nothing() -> None:
    scores = np.random.default_rng(3).normal(0.6, 1, size=(9, 3))
    flips = sign_flips(9)
    once = max_t(sign_flip_orbit(scores, flips))
    twice = max_t(sign_flip_orbit(np.hstack([scores, -3 * scores]), flips))
    np.testing.assert_array_equal(twice.step_down, np.tile(once.step_down, 2))


@pytest.mark.parametrize("kind", ["nothing moved", "some moved", "all moved"])
def test_many_features_by_the_definition(kind: str) -> None:
    """Every rearrangement of 700 features at once, as algorithm 4.1 of Westfall & Young has it."""
    rng = np.random.default_rng(8)
    scores = rng.normal(size=(18, 700)) + rng.normal(size=(18, 1))
    scores += {"nothing moved": 0.0, "some moved": rng.normal(0, 0.8, 700), "all moved": 1.5}[kind]
    scores[:, 5:9] = np.sign(scores[:, 5:9])
    orbit = sign_flip_orbit(scores, sign_flips(18, draws=399, rng=contrast_rng(1, "a")))
    every = np.abs(orbit.scores @ orbit.rearrangements.weights)
    observed = np.abs(orbit.observed())
    single = np.mean(every.max(axis=0) >= (observed - orbit.tolerance)[:, None], axis=1)
    falling = np.argsort(-observed, kind="stable")
    step_down, largest = np.empty(700), 0.0
    for place, feature in enumerate(falling):
        rest = every[falling[place:]].max(axis=0)
        largest = max(largest, float(np.mean(rest >= observed[feature] - orbit.tolerance[feature])))
        step_down[feature] = largest
    result = max_t(orbit)
    np.testing.assert_array_equal(result.single_step, single)
    ties = np.isin(observed, observed[5:9])
    np.testing.assert_array_equal(result.step_down[~ties], step_down[~ties])


def test_the_order_of_features_and_the_batch_do_not_matter() -> None:
    rng = np.random.default_rng(4)
    scores = np.round(rng.normal(0.3, 1, size=(20, 600)), 1)
    flips = sign_flips(20, draws=499, rng=contrast_rng(1, "a"))
    reference = max_t(sign_flip_orbit(scores, flips))
    for batch in (1, 37, 500):
        again = max_t(sign_flip_orbit(scores, flips), batch=batch)
        np.testing.assert_array_equal(again.step_down, reference.step_down)
        np.testing.assert_array_equal(again.single_step, reference.single_step)
    order = rng.permutation(600)
    shuffled = max_t(sign_flip_orbit(scores[:, order], flips))
    np.testing.assert_array_equal(shuffled.step_down, reference.step_down[order])
    np.testing.assert_array_equal(shuffled.statistic, reference.statistic[order])


def test_features_that_cannot_reach_alpha_may_be_left_out() -> None:
    scores = family(8, 6, 5)  # the fourth has three pairs at 0
    scores[2:, 4] = 0
    flips = sign_flips(8)
    include = sign_flip_test(scores, flips).smallest_p <= 0.05
    assert include.tolist() == [True, True, True, False, False, True]
    left_out = max_t(sign_flip_orbit(scores, flips), include=include)
    without = max_t(sign_flip_orbit(scores[:, include], flips))
    np.testing.assert_array_equal(left_out.step_down[include], without.step_down)
    assert left_out.step_down[3:5].tolist() == [1, 1]
    assert left_out.smallest_adjusted_p == without.smallest_adjusted_p


def test_features_without_a_statistic_have_p_one_and_change_nothing() -> None:
    scores = np.random.default_rng(6).normal(1, 1, size=(7, 3))
    flips = sign_flips(7)
    result = max_t(sign_flip_orbit(np.column_stack([np.zeros(7), scores]), flips))
    np.testing.assert_array_equal(result.step_down[1:], max_t(sign_flip_orbit(scores, flips)).step_down)
    assert result.step_down[0] == 1
    assert np.isnan(result.statistic[0])


def test_a_family_of_nothing_rejects_nothing() -> None:
    orbit = sign_flip_orbit(np.ones((6, 2)), sign_flips(6))
    result = max_t(orbit, include=np.zeros(2, dtype=bool))
    assert result.step_down.tolist() == [1, 1]
    assert result.smallest_adjusted_p == 1
    with pytest.raises(ValueError, match="3 entries for 2 features"):
        max_t(orbit, include=np.ones(3, dtype=bool))


def test_orbit_of_stratified_relabellings() -> None:
    strata = np.array(["a"] * 5 + ["b"] * 4)
    target = np.array([1, 1, 0, 0, 0, 1, 1, 0, 0], dtype=bool)
    relabellings = arm_relabellings(target, strata)
    scores = family(9, 5, 7)
    smallest = []
    for labels in relabellings.weights.T:
        own = arm_relabellings(labels == 1, strata)
        smallest.append(max_t(relabelling_orbit(scores, labels == 1, own, strata)).step_down.min())
    assert len(smallest) == 60
    assert_exact(np.array(smallest))
