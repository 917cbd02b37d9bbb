"""Limits of pairs: what is refused, and both members judged by the larger limit."""

import numpy as np
import pandas as pd
import pytest

from cytoshift.shift.censoring.pair_bounds import PairBounds, bounds_of_sides, pair_bounds, recensor_bounds
from cytoshift.shift.censoring.recensoring import recensor
from cytoshift.shift.grid import ABOVE, BELOW, MISSING, OBSERVED
from cytoshift.shift.sides import Side

INF = np.inf


def single(reference: tuple[float, float], target: tuple[float, float]) -> PairBounds:
    return pair_bounds(*([[end]] for end in (*reference, *target)))


def ends(bounds: PairBounds) -> tuple[tuple[float, float], tuple[float, float]]:
    lower, upper = bounds.lower[:, 0, 0], bounds.upper[:, 0, 0]
    return (lower[0], upper[0]), (lower[1], upper[1])


RECENSORED = {
    "both below, limits differ": (((-INF, 1), (-INF, 3)), ((-INF, 3), (-INF, 3))),
    "a value under the other's limit": (((-INF, 3), (2, 2)), ((-INF, 3), (-INF, 3))),
    "a value at the other's limit": (((-INF, 3), (3, 3)), ((-INF, 3), (-INF, 3))),
    "a value over the other's limit": (((-INF, 3), (4, 4)), ((-INF, 3), (4, 4))),
    "a band under the other's limit": (((1, 2), (-INF, 3)), ((-INF, 3), (-INF, 3))),
    "a band across the other's limit": (((2, 4), (-INF, 3)), ((2, 4), (-INF, 3))),
    "both above, limits differ": (((5, INF), (6, INF)), ((5, INF), (5, INF))),
    "a value over the other's upper limit": (((5, INF), (7, 7)), ((5, INF), (5, INF))),
    "one below, one above": (((-INF, 3), (5, INF)), ((-INF, 3), (5, INF))),
    "limits that contradict each other": (((-INF, 5), (3, INF)), ((-INF, 5), (3, INF))),
    "both known": (((1, 1), (2, 2)), ((1, 1), (2, 2))),
}


@pytest.mark.parametrize("name", RECENSORED)
def test_both_members_are_judged_by_the_larger_limit(name: str) -> None:
    written, expected = RECENSORED[name]
    assert ends(recensor_bounds(single(*written))) == expected
    assert ends(recensor_bounds(single(*reversed(written)))) == tuple(reversed(expected))


def side(values: list[float], status: list[int]) -> Side:
    shown = np.array(values)[:, None]
    shape = shown.shape
    codes = np.array(status, dtype=np.int8)[:, None]
    return Side(shown, shown, codes, np.ones(shape), np.full(shape, ""), np.ones(len(values), bool))


def test_sides_become_limits_and_both_ways_of_censoring_again_agree() -> None:
    reference = side([1.0, 3.0, 2.0, 5.0, np.nan], [BELOW, BELOW, OBSERVED, OBSERVED, MISSING])
    target = side([2.0, 2.0, 3.0, 9.0, 4.0], [BELOW, OBSERVED, BELOW, ABOVE, OBSERVED])
    bounds = bounds_of_sides(reference, target)
    assert bounds.lower[0, :4, 0].tolist() == [-INF, -INF, 2, 5]
    assert bounds.upper[1, :4, 0].tolist() == [2, 2, 3, INF]
    assert bounds.present[:, 0].tolist() == [True, True, True, True, False]
    assert bounds.non_detect_share.tolist() == [5 / 8]
    before, after, _ = recensor(reference, target, pd.Series(["log2"]), "limit")
    assert before is not None
    by_sides, by_bounds = bounds_of_sides(before, after), recensor_bounds(bounds)
    np.testing.assert_array_equal(by_bounds.lower, by_sides.lower)
    np.testing.assert_array_equal(by_bounds.upper, by_sides.upper)


def test_a_pair_with_an_unknown_member_is_no_pair() -> None:
    nan = np.nan
    bounds = pair_bounds([[1.0], [1.0], [-INF]], [[1.0], [1.0], [INF]], [[2.0], [nan], [2.0]], [[2.0], [nan], [2.0]])
    assert bounds.pairs.tolist() == [1]
    assert np.isnan(bounds.lower[:, 1:]).all()


def test_bad_limits_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        pair_bounds([[1.0]], [[1.0]], [[1.0, 2.0]], [[1.0, 2.0]])
    with pytest.raises(ValueError, match="lower ≤ upper"):
        single((2, 1), (0, 0))
    with pytest.raises(ValueError, match="a value somewhere in it"):
        single((INF, INF), (0, 0))
