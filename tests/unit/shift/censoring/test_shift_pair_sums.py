"""Several changes of the same subjects added up: the mean of two follow-ups, a difference between two differences."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytoshift.shift.censoring.censored_change import BY_SCORES, NOTHING_KNOWN, censored_change
from cytoshift.shift.censoring.pair_bounds import PairBounds, pair_bounds
from cytoshift.shift.censoring.pair_sums import NO_FIT, PairSum, pair_sum, sum_change, sum_scores
from cytoshift.shift.classical.paired import paired_t
from cytoshift.shift.exact.flips import sign_flip_test, sign_flips
from cytoshift.shift.exact.inversion import inverted_interval, shift_p

NAN, INF = np.nan, np.inf


def draw_values(visits: int, n: int, analytes: int, *, seed: int, shift: float = 0.0, rho: float = 0.6) -> np.ndarray:
    """(visits, n, analytes) normal values of SD 1 that correlate within subjects; the later half is shifted."""
    rng = np.random.default_rng(seed)
    subject = np.sqrt(rho) * rng.normal(size=(n, analytes))
    values = subject + np.sqrt(1 - rho) * rng.normal(size=(visits, n, analytes))
    values[visits // 2 :] += shift
    return values


def pairs_of(values: np.ndarray, first: int, second: int, limit: float | np.ndarray) -> PairBounds:
    """Pairs of two visits; values below the limit, one or one per visit, are known to be so."""
    limit = np.broadcast_to(np.asarray(limit, dtype=float), len(values))
    below = values < limit[:, None, None]
    lower, upper = np.where(below, -INF, values), np.where(below, limit[:, None, None], values)
    return pair_bounds(lower[first], upper[first], lower[second], upper[second])


def two_against_one(values: np.ndarray, limit: float | np.ndarray) -> PairSum:
    return pair_sum([pairs_of(values, 0, 1, limit), pairs_of(values, 0, 2, limit)], [0.5, 0.5])


def two_against_two(values: np.ndarray, limit: float | np.ndarray) -> PairSum:
    return pair_sum([pairs_of(values, 0, 2, limit), pairs_of(values, 1, 3, limit)], [0.5, 0.5])


def one_less_another(values: np.ndarray, limit: float | np.ndarray) -> PairSum:
    return pair_sum([pairs_of(values, 1, 3, limit), pairs_of(values, 0, 2, limit)], [1.0, -1.0])


def swapped(pairs: PairSum, subjects: np.ndarray) -> PairSum:
    """Both members of all pairs exchanged for these subjects: a mask (subjects,) or (subjects, analytes)."""
    return PairSum(tuple(part.swap(subjects) for part in pairs.parts), pairs.weights)


@pytest.mark.parametrize("kind", [two_against_one, two_against_two, one_less_another])
def test_without_non_detects_it_is_the_paired_t_of_the_sums(kind) -> None:
    values = draw_values(4, 9, 5, seed=1, shift=0.4)
    values[2, 3, 1] = NAN
    pairs = kind(values, -INF)
    found, expected = sum_change(pairs).estimates, paired_t(pairs.change)
    for name in ("estimate", "se", "df", "p_value", "ci_low", "ci_high", "n"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-12)
    assert found.n.tolist() == [9, 8, 9, 9, 9]
    scores = sum_scores(pairs)
    np.testing.assert_allclose(scores * found.n, pairs.change, rtol=1e-9)


def test_almost_known_values_give_almost_the_paired_t() -> None:
    # One value in 9 known within 1e-6 runs through the fits and the influences, and must come out the same.
    values = draw_values(3, 9, 4, seed=2)
    wide = 1e-2 * (np.arange(9) == 4)[:, None]
    parts = [pair_bounds(values[0] - wide, values[0] + wide, values[k], values[k]) for k in (1, 2)]
    found = sum_change(pair_sum(parts, [0.5, 0.5])).estimates
    expected = paired_t((values[1] + values[2]) / 2 - values[0])
    np.testing.assert_allclose(found.estimate, expected.estimate, atol=1e-3)
    np.testing.assert_allclose(found.se, expected.se, rtol=1e-2)


@settings(max_examples=6, deadline=None)
@given(st.integers(4, 9), st.integers(0, 10_000), st.sampled_from([0.0, 0.3, 0.6]), st.integers(0, 511), st.booleans())
def test_exchanging_all_pairs_of_a_subject_turns_its_score_and_nothing_else(
    n: int, seed: int, share: float, pattern: int, differ: bool
) -> None:
    values = draw_values(4, n, 3, seed=seed)
    limit = np.quantile(values, share) + (np.array([0.0, 0.4, -0.3, 0.2]) if differ else 0.0) if share else -INF
    turned = (pattern >> np.arange(n)) & 1 == 1
    for kind in (two_against_one, two_against_two, one_less_another):
        pairs = kind(values, limit)
        scores = sum_scores(pairs)
        expected = np.where(turned[:, None], -scores, scores)
        np.testing.assert_array_equal(sum_scores(swapped(pairs, turned)), expected)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6])
@pytest.mark.parametrize("kind", [two_against_two, one_less_another])
def test_orbit(kind, share: float) -> None:
    n = 7
    every = np.array(list(itertools.product([False, True], repeat=n))).T
    for seed in range(3):
        values = draw_values(4, n, 1, seed=seed, shift=0.7)
        pairs = kind(values, np.quantile(values, share) + np.array([0, 0.3, 0.1, -0.2]) if share else -INF)
        side_by_side = swapped(pairs.take(np.zeros(2**n, dtype=int)), every)
        p_values = sign_flip_test(sum_scores(side_by_side), sign_flips(n)).p_value
        reached = np.sort(np.rint(p_values * 2**n))
        assert (np.searchsorted(reached, np.arange(2**n + 1), side="right") <= np.arange(2**n + 1)).all()
        assert share == 0.6 or p_values.min() < 0.05


def test_the_estimate_is_the_sum_of_the_censored_changes() -> None:
    values = draw_values(4, 16, 30, seed=5, shift=0.5)
    limit = np.quantile(values, 0.3)
    for pairs in (two_against_one(values, limit), two_against_two(values, limit), one_less_another(values, limit)):
        single = [censored_change(part).estimates.estimate for part in pairs.parts]
        expected = sum(w * one for w, one in zip(pairs.weights, single, strict=True))
        np.testing.assert_allclose(sum_change(pairs).estimates.estimate, expected, atol=1e-7)


def test_estimate_and_interval_move_with_the_values_and_turn_with_the_visits() -> None:
    values = draw_values(4, 12, 8, seed=6)
    limit = np.quantile(values, 0.35)
    pairs = two_against_two(values, limit)
    plain, turned = sum_change(pairs).estimates, sum_change(swapped(pairs, np.ones(12, dtype=bool))).estimates
    np.testing.assert_allclose(turned.estimate, -plain.estimate, atol=1e-7)
    np.testing.assert_allclose(turned.ci_low, -plain.ci_high, atol=1e-6)
    moved = sum_change(pairs.shift_target(np.full(8, 1.3))).estimates
    np.testing.assert_allclose(moved.estimate, plain.estimate - 1.3, atol=1e-6)
    np.testing.assert_allclose(moved.se, plain.se, rtol=1e-5)
    assert ((plain.p_value < 0.05) == ((plain.ci_low > 0) | (plain.ci_high < 0))).all()
    alone = sum_change(pairs.take(np.arange(8) == 3)).estimates
    assert alone.p_value[0] == plain.p_value[3]


def test_a_subject_without_one_visit_is_left_out_of_all() -> None:
    values = draw_values(3, 10, 2, seed=7)
    limit = np.quantile(values, 0.2)
    gone = values.copy()
    gone[2, 4] = NAN
    kept = np.arange(10) != 4
    without, fewer = sum_change(two_against_one(gone, limit)), sum_change(two_against_one(values[:, kept], limit))
    assert without.estimates.n.tolist() == [9, 9]
    np.testing.assert_allclose(without.estimates.p_value, fewer.estimates.p_value, rtol=1e-9)


def test_what_cannot_be_estimated_says_why() -> None:
    values = np.repeat(draw_values(3, 8, 1, seed=8), 4, axis=2)
    values[2, :, 0] -= 20  # every value of the second follow-up below its limit
    values[:, :, 1] -= 20  # every value
    values[:, 2:, 2] = NAN
    values[:, :, 3] = 1.0  # nothing varies, and the rest is below
    values[1, 0, 3] = -20
    found = sum_change(two_against_one(values, np.quantile(values[0, :, 0], 0.3)))
    notes, estimates = found.estimates.note.tolist(), found.estimates
    assert NO_FIT in notes[0] and BY_SCORES in notes[0] and 0 < estimates.p_value[0] < 1
    assert "no p-value" not in notes[0]
    assert found.by_scores.tolist()[:3] == [True, False, False]
    assert notes[1].startswith(NOTHING_KNOWN) and notes[1].endswith("no p-value")
    assert notes[2] == "3 pairs needed, 2 found"
    assert np.isnan(estimates.estimate[[0, 1, 2]]).all() and np.isnan(estimates.p_value[[1, 2]]).all()
    assert notes[3] and np.isnan(estimates.se[3])
    assert sum_change(two_against_one(np.empty((3, 5, 0)), 0.0)).estimates.p_value.shape == (0,)


def test_a_change_without_information_is_named() -> None:
    # Below one limit at both visits in every subject: the other follow-up alone decides.
    values = draw_values(3, 9, 1, seed=15, shift=1.0)
    known, hidden = pairs_of(values, 0, 1, -INF), np.full((9, 1), -INF)
    limit = np.full((9, 1), 50.0)
    found = sum_change(pair_sum([known, pair_bounds(values[0], values[0], hidden, limit)], [0.5, 0.5]))
    assert "scores of 1 of 2 changes: the others say nothing" in found.estimates.note[0]
    assert found.by_scores[0] and found.estimates.p_value[0] < 1


def test_where_a_change_has_no_maximum_the_sum_has_none() -> None:
    # Few pairs and many non-detects: some fits run to a correlation of 1, where a standard error would be 0.
    values = draw_values(3, 5, 160, seed=16)
    pairs = two_against_one(values, np.quantile(values, 0.5))
    single = np.array([np.isnan(censored_change(part).estimates.estimate) for part in pairs.parts]).any(axis=0)
    found = sum_change(pairs)
    lacking = np.isnan(found.estimates.estimate)
    assert single.sum() > 10
    assert lacking[single].all()
    assert (found.estimates.note[lacking] != "").all()
    assert np.nanmin(found.estimates.p_value[~lacking]) > 1e-6
    answered = ~np.isnan(found.estimates.p_value)
    assert np.mean(found.estimates.p_value[answered] <= 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / answered.sum())


def test_one_visit_against_the_mean_of_two_keeps_its_level_and_is_not_biased() -> None:
    # A censored fit of the means themselves rejects a true null hypothesis in 13 to 15 % of these studies.
    studies = 1200
    null = two_against_one(draw_values(3, 40, studies, seed=9), -0.25)
    found = sum_change(null).estimates
    error = 3 * np.sqrt(0.05 * 0.95 / studies)
    assert abs(np.mean(found.p_value <= 0.05) - 0.05) < error
    flips = sign_flips(40, draws=999, rng=np.random.default_rng(10))
    assert abs(np.mean(sign_flip_test(sum_scores(null), flips).p_value <= 0.05) - 0.05) < error
    moved = two_against_one(draw_values(3, 40, studies, seed=11, shift=0.7), 0.1)
    found = sum_change(moved).estimates
    assert abs(np.mean(found.estimate) - 0.7) < 4 * np.std(found.estimate) / np.sqrt(studies) + 0.005
    assert abs(np.mean((found.ci_low <= 0.7) & (found.ci_high >= 0.7)) - 0.95) < error


def test_the_inverted_interval_agrees_with_the_test() -> None:
    flips = sign_flips(9)
    values = draw_values(4, 9, 2, seed=12, shift=1.0)
    for kind in (two_against_one, two_against_two, one_less_another):
        pairs = kind(values, np.quantile(values, 0.2))
        low, high = inverted_interval(pairs, flips)
        p_values = shift_p(pairs, np.zeros(2), flips)
        assert ((p_values > 0.05) == ((low <= 0) & (high >= 0))).all()
        for limit, away in ((low, -0.2), (high, 0.2)):
            there = np.isfinite(limit)
            beyond = shift_p(pairs.take(there), limit[there] + away, flips)
            assert (beyond <= 0.05).all()


def test_pairs_that_do_not_fit_are_refused() -> None:
    values = draw_values(3, 6, 2, seed=13)
    first, second = pairs_of(values, 0, 1, -INF), pairs_of(values, 0, 2, -INF)
    with pytest.raises(ValueError, match="and a weight"):
        pair_sum([first, second], [1.0])
    with pytest.raises(ValueError, match="add up to 1"):
        pair_sum([first, second], [1.0, 1.0])
    with pytest.raises(ValueError, match="same subjects and analytes"):
        pair_sum([first, second.take(np.array([0]))], [0.5, 0.5])
    with pytest.raises(ValueError, match="level 2"):
        sum_change(pair_sum([first], [1.0]), level=2)
