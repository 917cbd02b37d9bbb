"""The change of pairs with non-detects: estimate, interval, p-value, and what is said where there is none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cytoshift.shift.censoring.censored_change import (
    BY_SCORES,
    DISTRIBUTION_CHANGED,
    NO_COMMON_PAIR,
    NO_MAXIMUM,
    NO_VARIATION,
    NOTHING_KNOWN,
    ONE_SIDED,
    OPEN_ENDED,
    censored_change,
)
from cytoshift.shift.censoring.pair_bounds import PairBounds, pair_bounds
from cytoshift.shift.censoring.pair_scores import censored_t, pair_scores
from cytoshift.shift.classical.paired import paired_t
from cytoshift.shift.estimates import Estimates
from pair_draws import draw_pairs, known_pairs

INF = np.inf
NUMBERS = ("estimate", "se", "df", "ci_low", "ci_high", "statistic", "p_value", "residual_variance")


def column(reference: list[tuple[float, float]], target: list[tuple[float, float]]) -> PairBounds:
    """One analyte from a list of (lower, upper) for each visit."""
    sides = [np.array(side, dtype=float).T[:, :, None] for side in (reference, target)]
    return pair_bounds(sides[0][0], sides[0][1], sides[1][0], sides[1][1])


def points(*values: float) -> list[tuple[float, float]]:
    return [(value, value) for value in values]


def below(*limits: float) -> list[tuple[float, float]]:
    return [(-INF, limit) for limit in limits]


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 12), st.integers(0, 10_000), st.floats(0.05, 20), st.floats(-3, 3))
def test_without_non_detects_it_is_the_paired_t(n: int, seed: int, ratio: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    x = ratio * rng.normal(size=(n, 3))
    y = x + shift + rng.normal(size=(n, 3))
    found, expected = censored_change(known_pairs(x, y)).estimates, paired_t(y - x)
    for name in NUMBERS:
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-8, atol=1e-8)


def test_intervals_so_narrow_that_they_say_nothing_change_nothing() -> None:
    rng = np.random.default_rng(7)
    x = rng.normal(size=(9, 8))
    y = x + 0.5 + rng.normal(size=(9, 8))
    half = 1e-3
    found = censored_change(pair_bounds(x - half, x + half, y, y)).estimates
    expected = paired_t(y - x)
    for name in NUMBERS:
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=2e-4, atol=1e-5)


@pytest.mark.parametrize("share", [0.2, 0.45])
def test_p_value_and_interval_agree_and_exchange_with_the_visits(share: float) -> None:
    bounds = draw_pairs(8, 60, below=share, differ=0.2, shift=0.7, seed=12)
    found = censored_change(bounds).estimates
    turned = censored_change(bounds.swap(np.ones(8, bool))).estimates
    there = ~np.isnan(found.p_value)
    assert there.mean() > 0.9
    inside = (found.ci_low <= 0) & (found.ci_high >= 0)
    assert (inside == (found.p_value > 0.05))[there].all()
    assert 0.1 < np.mean(found.p_value[there] < 0.05) < 0.9
    np.testing.assert_allclose(found.p_value, turned.p_value, atol=1e-8)
    np.testing.assert_allclose(found.estimate, -turned.estimate, atol=1e-7)
    np.testing.assert_allclose(found.ci_low, -turned.ci_high, atol=1e-6)
    np.testing.assert_allclose(found.statistic, -turned.statistic, atol=1e-6)


def test_non_detects_do_not_bias_the_change() -> None:
    found = censored_change(draw_pairs(24, 200, below=0.4, shift=0.8, seed=13)).estimates
    assert np.mean(found.estimate) == pytest.approx(0.8, abs=4 * np.std(found.estimate) / np.sqrt(200))


ONE_VISIT_BEYOND = {
    "target below": ((points(3, 4, 5, 4.5, 3.5), below(2, 2, 2, 2, 2)), ONE_SIDED[1, -1], -1),
    "target above": ((points(3, 4, 5, 4.5, 3.5), [(7.0, INF)] * 5), ONE_SIDED[1, 1], 1),
    "reference below": ((below(2, 2, 2, 2, 2), points(3, 4, 5, 4.5, 3.5)), ONE_SIDED[0, -1], 1),
    "reference above": (([(7.0, INF)] * 5, points(3, 4, 5, 4.5, 3.5)), ONE_SIDED[0, 1], -1),
}


@pytest.mark.parametrize("name", ONE_VISIT_BEYOND)
def test_a_visit_wholly_beyond_its_limit_leaves_one_limit_of_the_change(name: str) -> None:
    (reference, target), note, direction = ONE_VISIT_BEYOND[name]
    found = censored_change(column(reference, target)).estimates
    assert np.isnan(found.estimate[0])
    assert np.isnan(found.se[0])
    assert found.note[0].startswith(note)
    assert np.sign(found.statistic[0]) == direction
    assert 0 < found.p_value[0] < 0.05
    finite, infinite = (found.ci_high, found.ci_low) if direction < 0 else (found.ci_low, found.ci_high)
    assert infinite[0] == direction * INF
    assert 0 < direction * finite[0] < 3


WITHOUT_AN_ANSWER = {
    "all non-detects": (below(2, 2, 2, 2), below(2, 2, 2, 2), NOTHING_KNOWN),
    "below before, above after": (below(2, 2, 2, 2), [(5.0, INF)] * 4, NOTHING_KNOWN),
    "two pairs, one non-detect": (points(1, 2), [(2, 2), (-INF, 1)], "3 pairs needed, 2 found"),
    "no pair": ([(np.nan, np.nan)] * 3, points(1, 2, 3), "2 pairs needed, 0 found"),
    "no variation": (points(3, 3, 3) + below(7), points(3, 3, 3) + below(7), NO_VARIATION),
    "equal changes": (points(1, 2, 4), points(2, 3, 5), "all changes are equal: no interval and no p-value"),
}


@pytest.mark.parametrize("name", WITHOUT_AN_ANSWER)
def test_no_answer_is_silent(name: str) -> None:
    reference, target, note = WITHOUT_AN_ANSWER[name]
    found = censored_change(column(reference, target)).estimates
    assert np.isnan(found.p_value[0])
    assert np.isnan(found.ci_low[0])
    assert found.note[0] == note


def test_without_a_maximum_of_the_likelihood_the_scores_still_give_a_p_value() -> None:
    bounds = column(points(1, 2, 3, 4), [(2, 2), *below(9, 9, 9)])
    found = censored_change(bounds)
    assert np.isnan(found.estimates.estimate[0])
    assert np.isnan(found.estimates.ci_low[0])
    assert found.by_scores[0]
    assert found.estimates.p_value[0] == censored_t(pair_scores(bounds), bounds).p_value[0]
    assert found.estimates.note[0] == f"{NO_MAXIMUM}; {BY_SCORES}"


def test_pairs_without_a_known_value_count_for_what_their_partner_does_not_explain() -> None:
    known, unknown = points(3.1, 4.2, 5.3, 4.4, 3.6, 5.1), below(2, 2, 2)
    reference, target = known + unknown, points(3.5, 4.1, 6.0, 4.9, 3.3, 5.8) + unknown
    found = censored_change(column(reference, target))
    worth = 6 + (1 - max(found.correlation[0], 0) ** 2) * 3
    assert found.estimates.df[0] == pytest.approx(worth - 1)
    t = np.sqrt((worth - 1) * np.expm1(found.likelihood_ratio[0] / worth))
    assert abs(found.estimates.statistic[0]) == pytest.approx(t)


def test_every_missing_number_has_a_note() -> None:
    bounds = draw_pairs(5, 25, below=0.6, differ=0.4, above=0.1, seed=3)
    found = censored_change(bounds).estimates
    for name in NUMBERS:
        empty = np.isnan(getattr(found, name)) | np.isinf(getattr(found, name))
        assert (found.note[empty] != "").all(), name
    open_end = np.isinf(found.ci_low) | np.isinf(found.ci_high)
    assert all(OPEN_ENDED in text or "known from" in text for text in found.note[open_end])


def test_no_common_pair_is_said() -> None:
    found = censored_change(column([*points(1, 2.5, 2), *below(2, 2, 2)], [*below(2, 2, 2), *points(3, 4, 3.3)]))
    assert NO_COMMON_PAIR in found.estimates.note[0]


def test_many_non_detects_are_flagged_as_approximate() -> None:
    bounds = draw_pairs(20, 40, below=0.4, seed=5)
    found = censored_change(bounds)
    assert (found.approximate == (bounds.non_detect_share > 0.4)).all()
    assert 0 < found.approximate.sum() < 40
    said = ["more than 40 %" in text for text in found.estimates.note]
    assert said == found.approximate.tolist()
    assert censored_change(bounds, approximate_above=0.9).approximate.sum() == 0


def test_a_change_of_spread_alone_is_not_called_a_change_of_level() -> None:
    rng = np.random.default_rng(9)
    x, y = rng.normal(size=(30, 20)), 4 * rng.normal(size=(30, 20))
    limit = np.where(x < -1, -1, x), np.where(y < -1, -1, y)
    bounds = pair_bounds(np.where(x < -1, -INF, x), limit[0], np.where(y < -1, -INF, y), limit[1])
    found = censored_change(bounds)
    assert (found.spread_p < 1e-3).all()
    assert np.median(found.spread_ratio) == pytest.approx(4, rel=0.2)
    assert found.distribution_changed.all()
    claimed = found.estimates.p_value <= 0.05
    assert [DISTRIBUTION_CHANGED in text for text in found.estimates.note] == claimed.tolist()
    assert ["the spread may have changed as well" in text for text in found.estimates.note] == (~claimed).tolist()


def test_companion_is_pitman_morgan_where_nothing_is_unknown() -> None:
    rng = np.random.default_rng(10)
    x, y = rng.normal(size=(10, 5)), 1.5 * rng.normal(size=(10, 5))
    found = censored_change(pair_bounds(x - 1e-3, x + 1e-3, y, y))
    r = np.array([np.corrcoef(a + b, b - a)[0, 1] for a, b in zip(x.T, y.T, strict=True)])
    expected = 2 * stats.t.sf(np.abs(r) * np.sqrt(8 / (1 - r**2)), 8)
    np.testing.assert_allclose(found.spread_p, expected, rtol=1e-3)
    np.testing.assert_allclose(found.spread_ratio, y.std(axis=0) / x.std(axis=0), rtol=1e-3)


def test_result_of_an_analyte_does_not_depend_on_the_others() -> None:
    bounds = draw_pairs(9, 30, below=0.4, differ=0.2, seed=21)
    whole = censored_change(bounds).estimates
    alone = censored_change(bounds.take(np.array([13]))).estimates
    for name in set(Estimates.__dataclass_fields__) - {"method", "p_method", "ci_method"}:
        one, other = getattr(whole, name)[13], getattr(alone, name)[0]
        assert one == other or (np.isnan(one) and np.isnan(other)), name


def test_one_known_value_beside_a_visit_beyond_its_limit_leaves_a_p_value_from_the_scores() -> None:
    bounds = column(points(5) + below(4, 4, 4, 4), below(3, 3, 3, 3, 3))
    found = censored_change(bounds)
    assert np.isnan(found.estimates.estimate[0])
    assert found.by_scores[0]
    assert found.estimates.p_value[0] == censored_t(pair_scores(bounds), bounds).p_value[0]
