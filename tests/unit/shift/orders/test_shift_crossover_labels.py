"""Who was given which order, redistributed: exact tests of crossover studies."""

import itertools

import numpy as np
import pytest
from scipy import stats

from cytoshift.shift.censoring.pair_bounds import PairBounds
from cytoshift.shift.censoring.pair_scores import pair_scores
from cytoshift.shift.exact.flips import contrast_rng
from cytoshift.shift.exact.global_test import global_test
from cytoshift.shift.exact.max_t import max_t
from cytoshift.shift.orders.crossover import PeriodOrder, crossover_effect, period_order
from cytoshift.shift.orders.crossover_labels import (
    NO_EXCHANGE,
    NO_SEQUENCES,
    order_orbit,
    order_relabellings,
    order_strata,
    order_test,
    sequence_orbit,
    sequence_relabellings,
    sequence_test,
    taken_orders,
)
from pair_draws import draw_pairs

NON_DETECTS = {"none": 0.0, "30 %": 0.3, "60 %": 0.6}


def assert_exact(p_values: np.ndarray) -> None:
    """No level k/N is exceeded by more than k of the N equally likely data sets."""
    size = len(p_values)
    reached = np.sort(np.rint(p_values * size))
    assert (np.searchsorted(reached, np.arange(size + 1), side="right") <= np.arange(size + 1)).all()
    assert p_values.min() < 1


def two_periods(arm_later: np.ndarray) -> PeriodOrder:
    return period_order(np.where(arm_later, 2, 1), np.where(arm_later, 1, 2), len(arm_later))


def of_sequences(sequences: list[str], arm: str = "A", control: str = "B") -> PeriodOrder:
    places = [[sequence.index(name) + 1 for sequence in sequences] for name in (arm, control)]
    return period_order(*places, len(sequences))


def scores_under_every_order(by_period: PairBounds, arm_later: np.ndarray) -> list[np.ndarray]:
    """Scores of later − earlier period from the values under arm and control, for each column of `arm_later`.

    `by_period` holds the values of the earlier and the later period; a study has them by condition.
    """
    orders, features = arm_later.shape[1], by_period.lower.shape[2]
    control_first = by_period.take(np.tile(np.arange(features), orders))
    under = control_first.swap(np.repeat(~arm_later, features, axis=1))
    scores = np.split(pair_scores(under), orders, axis=1)
    return [two_periods(later).later_less_earlier(own) for later, own in zip(arm_later.T, scores, strict=True)]


@pytest.mark.parametrize("name", NON_DETECTS)
@pytest.mark.parametrize("later", [3, 4])
def test_orbit_with_non_detects(name: str, later: int) -> None:
    n = 7
    by_period = draw_pairs(n, 4, below=NON_DETECTS[name], differ=0.4, shift=0.8, seed=later)
    single, family, together = [], [], []
    every = order_relabellings(two_periods(np.arange(n) < later)).weights == 1
    assert every.shape == (n, 35)
    for arm_later, scores in zip(every.T, scores_under_every_order(by_period, every), strict=True):
        order = two_periods(arm_later)
        redistributed = order_relabellings(order)
        single.append(order_test(scores, order, redistributed).p_value)
        orbit = order_orbit(scores, order, redistributed)
        family.append(max_t(orbit).step_down.min())
        together.append(global_test(orbit, np.ones(4)).p_value)
    for p_values in np.array(single).T:
        assert_exact(p_values)
    assert_exact(np.array(family))
    assert_exact(np.array(together))


def test_orbit_of_detection_within_strata() -> None:
    detected = np.array([[0, 1], [0, 0], [1, 0], [0, 1], [1, 1], [0, 1], [0, 1], [1, 1.0]])  # earlier, later
    strata = np.array(["x"] * 4 + ["y"] * 4)
    start, p_values = two_periods(np.array([1, 0, 1, 0, 0, 0, 1, 0]) == 1), []
    for labels in order_relabellings(start, strata).weights.T:
        order = two_periods(labels == 1)
        later, earlier = order.arm_later.astype(int), 1 - order.arm_later.astype(int)
        arm, control = detected[np.arange(8), later], detected[np.arange(8), earlier]
        scores = order.later_less_earlier((arm - control)[:, None])
        p_values.append(order_test(scores, order, order_relabellings(order, strata), strata).p_value[0])
    assert len(p_values) == 6 * 4
    assert_exact(np.array(p_values))


def test_orbit_of_two_conditions_among_three_whatever_the_third_does() -> None:
    # Values depend on the third condition strongly, on A and B not at all: exchanging A and B keeps them.
    sequences = ["ABC", "BAC", "ABC", "BAC", "ACB", "BCA", "ACB", "CAB", "CBA", "CBA"]
    values = np.random.default_rng(1).normal(size=(3, len(sequences), 3))
    for number, sequence in enumerate(sequences):
        values[sequence.index("C"), number] += 50
    start = of_sequences(sequences)
    p_values, family = [], []
    for labels in order_relabellings(start).weights.T:
        exchanged = labels.astype(bool) != start.arm_later
        order = period_order(
            np.where(exchanged, start.of_control, start.of_arm), np.where(exchanged, start.of_arm, start.of_control), 10
        )
        arm, control = (values[taken.astype(int) - 1, np.arange(10)] for taken in (order.of_arm, order.of_control))
        scores, redistributed = order.later_less_earlier(arm - control), order_relabellings(order)
        p_values.append(order_test(scores, order, redistributed).p_value)
        family.append(max_t(order_orbit(scores, order, redistributed)).single_step.min())
    assert len(p_values) == 6 * 3 * 3
    for column in np.array(p_values).T:
        assert_exact(column)
    assert_exact(np.array(family))


@pytest.mark.parametrize("missing", [False, True])
def test_orbit_of_whole_sequences(missing: bool) -> None:
    sequences = ["ABC", "BCA", "CAB", "ABC", "BCA", "CAB"]
    values = np.random.default_rng(2).normal(size=(3, 6, 3)) + np.array([0.0, 1.0, 3.0])[:, None, None]
    if missing:
        values[1, 2, 0] = values[0, 4, 1] = values[2, 4, 1] = np.nan
    every = sorted(set(itertools.permutations(sequences)))
    single, family, together = [], [], []
    for drawn in every:
        order = of_sequences(list(drawn))
        scores = np.stack([values[int(late) - 1] - values[int(early) - 1] for early, late in order.pairs])
        redistributed = sequence_relabellings(order)
        assert redistributed.draws == len(every)
        single.append(sequence_test(scores, order, redistributed).p_value)
        orbit = sequence_orbit(scores, order, redistributed)
        family.append(max_t(orbit).step_down.min())
        together.append(global_test(orbit, np.array([1, -1, 1])).p_value)
    for p_values in np.array(single).T:
        assert_exact(p_values)
    assert_exact(np.array(family))
    assert_exact(np.array(together))


@pytest.mark.parametrize("strata", [None, np.array(["x", "y", "x", "y", "x", "y", "x", "y", "y"])])
def test_with_two_periods_both_tests_are_one(strata: np.ndarray | None) -> None:
    rng = np.random.default_rng(3)
    order = two_periods(np.array([1, 0, 0, 1, 1, 0, 1, 0, 1]) == 1)
    scores = rng.normal(size=(9, 4))
    scores[0, 1] = np.nan
    first = order_test(scores, order, order_relabellings(order, strata), strata)
    second = sequence_test(scores[None], order, sequence_relabellings(order, strata), strata)
    np.testing.assert_allclose(first.statistic, second.statistic, rtol=1e-12)
    np.testing.assert_array_equal(first.p_value, second.p_value)
    np.testing.assert_array_equal(first.smallest_p, second.smallest_p)
    np.testing.assert_array_equal(first.n_informative, second.n_informative)


def test_the_statistic_has_the_sign_of_the_effect_and_orders_studies_as_its_t() -> None:
    rng = np.random.default_rng(4)
    order = two_periods(np.arange(8) < 4)
    arm, control = rng.normal(0.5, 1, size=(8, 30)), rng.normal(size=(8, 30))
    scores = order.later_less_earlier(arm - control)
    effect = crossover_effect(arm, control, order.of_arm, order.of_control)
    statistic = order_test(scores, order, order_relabellings(order)).statistic
    # The pooled t and the permutation statistic of two groups are one function of the other.
    np.testing.assert_allclose(statistic * np.sqrt(6 / (7 - statistic**2)), effect.statistic, rtol=1e-9)


def test_sequences_of_three_conditions_have_mean_zero_variance_one_and_no_period_effect() -> None:
    sequences = ["ABC", "BCA", "CAB", "ACB", "CBA", "BCA", "ABC"]
    order = of_sequences(sequences)
    rng = np.random.default_rng(5)
    values = rng.normal(size=(3, 7, 4))
    strata = np.array(["x", "x", "x", "x", "y", "y", "y"])

    def run(of_period: np.ndarray) -> np.ndarray:
        scores = np.stack([of_period[int(late) - 1] - of_period[int(early) - 1] for early, late in order.pairs])
        orbit = sequence_orbit(scores, order, sequence_relabellings(order, strata), strata)
        return orbit.statistics(slice(0, 4), slice(0, orbit.draws))

    statistics = run(values)
    np.testing.assert_allclose(statistics.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(statistics.var(axis=1), 1, rtol=1e-12)
    moved = values + 100 * rng.normal(size=(3, 1, 4)) + 100 * rng.normal(size=(1, 7, 4))
    np.testing.assert_allclose(run(moved), statistics, atol=1e-9)


def test_an_effect_of_the_arm_is_found_in_its_direction() -> None:
    sequences = ["ABC", "BCA", "CAB"] * 3
    values = np.random.default_rng(6).normal(0, 0.1, size=(3, 9, 2))
    for number, sequence in enumerate(sequences):
        values[sequence.index("A"), number] += [1.0, -1.0]
    order = of_sequences(sequences)
    scores = np.stack([values[int(late) - 1] - values[int(early) - 1] for early, late in order.pairs])
    found = sequence_test(scores, order, sequence_relabellings(order))
    assert found.statistic[0] > 2
    assert found.statistic[1] < -2
    assert (found.p_value < 0.01).all()


def test_size_under_a_strong_period_effect_is_the_attainable_one() -> None:
    rng = np.random.default_rng(7)
    later = rng.standard_t(4, size=(8, 4000)) + 5
    order = two_periods(np.arange(8) < 4)
    size = np.mean(order_test(later, order, order_relabellings(order)).p_value <= 0.05)
    attainable = np.floor(0.05 * 35) / 35  # a relabelling and its mirror image tie
    assert abs(size - attainable) <= 3 * np.sqrt(attainable * (1 - attainable) / 4000)


def test_detection_is_prescotts_test() -> None:
    # Later − earlier detection in the two sequences; Prescott: trend in the 2 × 3 table of −1, 0, 1.
    scores = np.array([1, 1, 1, 0, 0, -1, 0, 0, -1, -1, 0.0])[:, None]
    later = np.arange(11) < 6
    found = order_test(scores, two_periods(later), order_relabellings(two_periods(later)))
    sums = [scores[list(chosen), 0].sum() for chosen in itertools.combinations(range(11), 6)]
    centre = 6 * scores.mean()
    expected = np.mean(np.abs(np.array(sums) - centre) >= abs(scores[later].sum() - centre) - 1e-9)
    assert found.p_value[0] == pytest.approx(expected, abs=1e-12)


def test_where_nothing_can_be_exchanged_the_test_says_so() -> None:
    latin = of_sequences(["ABC", "BCA", "CAB"] * 2)
    scores = np.random.default_rng(8).normal(size=(6, 2))
    found = order_test(scores, latin, order_relabellings(latin))
    assert found.p_value.tolist() == [1, 1]
    assert set(found.note) == {NO_EXCHANGE}
    one_order = of_sequences(["AB"] * 4)
    whole = sequence_test(scores[None, :4], one_order, sequence_relabellings(one_order))
    assert whole.p_value.tolist() == [1, 1]
    assert whole.n_informative.tolist() == [0, 0]
    assert set(whole.note) == {NO_SEQUENCES}
    assert sequence_relabellings(latin).draws == 90


def test_subjects_without_an_order_stay_where_they_are() -> None:
    scores = np.random.default_rng(9).normal(size=(8, 3))
    known = two_periods(np.array([1, 0, 1, 0, 0, 1]) == 1)
    order = period_order([*known.of_arm, np.nan, 2], [*known.of_control, 1, 2], 8)
    assert order.known.tolist() == [True] * 6 + [False] * 2
    assert len(set(order_strata(order).tolist())) == 2
    assert taken_orders(order) == [(1.0, 2.0), (2.0, 1.0)]
    first = order_test(scores[:6], known, order_relabellings(known))
    second = order_test(order.later_less_earlier(scores), order, order_relabellings(order))
    third = order_test(known.later_less_earlier(scores[:6]), known, order_relabellings(known))
    np.testing.assert_array_equal(second.p_value, third.p_value)
    whole = sequence_test(scores[None], order, sequence_relabellings(order))
    np.testing.assert_array_equal(whole.p_value, first.p_value)
    nobody = period_order([np.nan] * 3, [1, 2, 1], 3)
    assert sequence_relabellings(nobody).draws == 1


def test_many_subjects_get_random_redistributions_with_the_truth_first() -> None:
    sequences = ["ABC", "BCA", "CAB", "BAC"] * 4
    order = of_sequences(sequences)
    strata = np.repeat(["x", "y"], 8)
    found = sequence_relabellings(order, strata, draws=400, rng=contrast_rng(1, "c"))
    assert not found.complete
    assert found.draws == 401
    for stratum in ("x", "y"):
        mine = np.sort(found.weights[strata == stratum], axis=0)
        np.testing.assert_array_equal(mine, np.repeat(mine[:, :1], 401, axis=1))
    places = [taken_orders(order).index(pair) for pair in zip(order.of_arm, order.of_control, strict=True)]
    np.testing.assert_array_equal(found.weights[:, 0], places)
    values = np.random.default_rng(10).normal(size=(3, 16, 1500))
    scores = np.stack([values[int(late) - 1] - values[int(early) - 1] for early, late in order.pairs])
    test = sequence_test(scores, order, found, strata)
    assert test.smallest_p.min() >= 1 / 401
    assert stats.binomtest(int((test.p_value <= 0.05).sum()), 1500, 0.05).pvalue > 0.001
    with pytest.raises(ValueError, match="need a generator"):
        sequence_relabellings(order, strata)


def test_shapes_that_do_not_fit_are_refused() -> None:
    order = two_periods(np.array([1, 0, 1, 0]) == 1)
    whole = sequence_relabellings(order)
    with pytest.raises(ValueError, match="strata of 3 subjects"):
        order_strata(order, np.array([1, 1, 2]))
    with pytest.raises(ValueError, match="strata of 3 subjects"):
        sequence_relabellings(order, np.array([1, 1, 2]))
    with pytest.raises(ValueError, match="of 4 subjects in 1 pairs"):
        sequence_orbit(np.ones((2, 4, 1)), order, whole)
    with pytest.raises(ValueError, match="infinite"):
        sequence_orbit(np.full((1, 4, 1), np.inf), order, whole)
