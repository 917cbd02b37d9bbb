"""The global directional test: exact over the orbit, with directions that mean what the plan says."""

import numpy as np
import pytest

from cytoshift.shift.exact.flips import contrast_rng, sign_flip_orbit, sign_flip_test, sign_flips
from cytoshift.shift.exact.global_test import global_test, planned_signs
from cytoshift.shift.exact.relabelling import arm_relabellings, relabelling_orbit


def assert_exact(p_values: np.ndarray) -> None:
    size = len(p_values)
    reached = np.sort(np.rint(p_values * size))
    assert (np.searchsorted(reached, np.arange(size + 1), side="right") <= np.arange(size + 1)).all()


def family(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    scores = np.round(rng.normal(size=(n, 4)) + rng.normal(size=(n, 1)), 1)
    scores[0, 1] = np.nan
    scores[:, 2] = np.sign(scores[:, 2])
    return scores


@pytest.mark.parametrize("n", [5, 6, 8])
@pytest.mark.parametrize("sides", ["two", "one"])
def test_orbit(n: int, sides: str) -> None:
    flips, signs = sign_flips(n), np.array([-1, -1, 1, -1])
    every = np.array(np.meshgrid(*[[1.0, -1.0]] * n)).reshape(n, -1).T
    tests = [global_test(sign_flip_orbit(family(n, n) * e[:, None], flips), signs, sides=sides) for e in every]
    assert_exact(np.array([test.p_value for test in tests]))
    assert_exact(np.array([test.p_one_sided for test in tests]))
    assert {test.smallest_p for test in tests} == {min(test.p_value for test in tests)}


@pytest.mark.parametrize("n", [6, 8, 12])
def test_simulated_size_is_the_attainable_one(n: int) -> None:
    scores = np.random.default_rng(n).normal(size=(2000, n, 5)) + np.random.default_rng(n + 1).normal(size=(2000, n, 1))
    flips = sign_flips(n)
    p_values = np.array([global_test(sign_flip_orbit(study, flips), -np.ones(5)).p_value for study in scores])
    attainable = np.floor(0.05 * flips.draws) / flips.draws
    assert abs(np.mean(p_values <= 0.05) - attainable) <= 3 * np.sqrt(attainable * (1 - attainable) / 2000)


def test_planned_direction_decides_the_sign_of_the_statistic() -> None:
    fall = -np.abs(np.random.default_rng(1).normal(1, 0.3, size=(8, 3)))
    orbit = sign_flip_orbit(fall, sign_flips(8))
    planned = global_test(orbit, planned_signs(["decrease"] * 3), sides="one")
    opposite = global_test(orbit, planned_signs(["increase"] * 3), sides="one")
    assert planned.statistic > 0 > opposite.statistic
    assert planned.p_one_sided == 2**-8
    assert planned.p_value == 2**-7
    assert opposite.p_value == 1
    assert global_test(orbit, planned_signs(["increase"] * 3)).p_value == 2**-7


def test_mixed_directions_add_up() -> None:
    rng = np.random.default_rng(2)
    scores = rng.normal(0.5, 1, size=(10, 6)) * np.array([1, 1, 1, -1, -1, -1])
    orbit = sign_flip_orbit(scores, sign_flips(10))
    mixed = global_test(orbit, planned_signs(["increase"] * 3 + ["decrease"] * 3))
    together = global_test(orbit, planned_signs(["any"] * 6))
    assert mixed.p_value < 0.05 < together.p_value


def test_one_feature_is_the_sign_flip_test() -> None:
    scores = np.random.default_rng(3).normal(0.5, 1, size=(9, 1))
    flips = sign_flips(9)
    expected = sign_flip_test(scores, flips)
    test = global_test(sign_flip_orbit(scores, flips), np.array([-1]))
    assert test.p_value == expected.p_value[0]
    assert test.statistic == -expected.statistic[0]


def test_features_without_a_statistic_are_left_out_and_listed() -> None:
    scores = np.random.default_rng(4).normal(0.5, 1, size=(7, 3))
    flips = sign_flips(7)
    with_empty = np.column_stack([scores[:, 0], np.zeros(7), scores[:, 1:], np.full(7, np.nan)])
    test = global_test(sign_flip_orbit(with_empty, flips), -np.ones(5))
    assert test.left_out == (1, 4)
    assert test.n_features == 3
    assert test.p_value == global_test(sign_flip_orbit(scores, flips), -np.ones(3)).p_value
    nothing = global_test(sign_flip_orbit(np.zeros((7, 2)), flips), np.ones(2))
    assert np.isnan(nothing.statistic)
    assert (nothing.p_value, nothing.smallest_p, nothing.n_features) == (1, 1, 0)


def test_result_does_not_depend_on_the_batch() -> None:
    scores = np.round(np.random.default_rng(5).normal(0.1, 1, size=(20, 600)), 1)
    orbit = sign_flip_orbit(scores, sign_flips(20, draws=499, rng=contrast_rng(1, "a")))
    assert len({global_test(orbit, -np.ones(600), batch=batch) for batch in (1, 37, 256, 500)}) == 1


def test_orbit_of_stratified_relabellings() -> None:
    strata = np.array(["a"] * 5 + ["b"] * 4)
    target = np.array([1, 1, 0, 0, 0, 1, 1, 0, 0], dtype=bool)
    p_values = []
    for labels in arm_relabellings(target, strata).weights.T:
        own = arm_relabellings(labels == 1, strata)
        orbit = relabelling_orbit(family(9, 6), labels == 1, own, strata)
        p_values.append(global_test(orbit, np.array([1, 1, -1, 1]), sides="one").p_value)
    assert_exact(np.array(p_values))


def test_wrong_words_and_signs_are_refused() -> None:
    orbit = sign_flip_orbit(np.ones((6, 2)), sign_flips(6))
    with pytest.raises(ValueError, match="'down' is not one of increase, decrease, any"):
        planned_signs(["down"])
    with pytest.raises(ValueError, match="each of the 2 features"):
        global_test(orbit, np.ones(3))
    with pytest.raises(ValueError, match="−1 or 1"):
        global_test(orbit, np.array([0.5, 1]))
    with pytest.raises(ValueError, match="sides"):
        global_test(orbit, np.ones(2), sides="three")  # type: ignore[arg-type]
