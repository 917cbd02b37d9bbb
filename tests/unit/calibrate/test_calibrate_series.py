"""The series that standards follow, and the ones a lost decimal point takes off it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytoshift.calibrate.series import find_series

# name → stated concentrations, level that is off (None: none), what the series implies there
ONE_CURVE = {
    "twofold, a lost decimal point": ([3450, 1725, 862.5, 431.25, 215625, 107.8125, 53.90625, 26.953125], 4, 215.625),
    "tenfold, a lost decimal point": ([1000, 100, 10000, 1, 0.1, 0.01], 2, 10),
    "first level times 1,000": ([1_000_000, 100, 10, 1, 0.1, 0.01], 0, 1000),
    "last level without its point": ([400, 200, 100, 50, 25, 125], 5, 12.5),
    "rising, two digits exchanged": ([12.5, 25, 50, 10, 200, 400, 800], 3, 100),
    "regular, threefold": ([900, 300, 100, 33.3, 11.1, 3.7, 1.23], None, None),
    "whole numbers": ([10000, 2500, 625, 156, 39, 10, 2], None, None),
    "a step left out at the end": ([0.02, 0.01, 0.005, 0.0025, 0.00125, 0.0003125], None, None),
    "last step of another size": ([1000, 500, 250, 125, 50], None, None),
    "a zero among them": ([1000, 500, 250, 125, 62.5, 0], None, None),
}


@pytest.mark.parametrize("case", ONE_CURVE.values(), ids=ONE_CURVE.keys())
def test_a_standard_off_its_series_is_named_with_the_series_value(case):
    stated, level, implied = case
    found = find_series(np.array([stated], dtype=float))
    assert np.flatnonzero(found.off[0]).tolist() == ([] if level is None else [level])
    assert np.isfinite(found.fold[0])
    if level is not None:
        assert found.implied[0, level] == pytest.approx(implied, rel=1e-9)


ARBITRARY = {
    "three levels": [1000, 100, 100_000],
    "four levels, one of them off": [1000, 100, 10000, 1],
    "two halves with different steps": [2000, 1000, 500, 250, 50, 10, 2, 0.4],
    "chosen by hand": [1000, 700, 300, 120, 45, 11.5],
    "all the same": [50, 50, 50, 50, 50],
    "nothing": [np.nan, np.nan, np.nan, np.nan],
}


@pytest.mark.parametrize("stated", ARBITRARY.values(), ids=ARBITRARY.keys())
def test_where_there_is_no_series_nothing_is_claimed(stated):
    found = find_series(np.array([stated], dtype=float))
    assert not found.off.any()
    assert np.isnan(found.fold).all()
    assert np.isnan(found.implied).all()


def printed(values: np.ndarray, digits: int) -> np.ndarray:
    return np.array([float(f"{value:.{digits}g}") for value in values])


@settings(max_examples=60, deadline=None)
@given(
    top=st.floats(1.0, 1e5),
    fold=st.floats(1.5, 10.0),
    levels=st.integers(6, 16),
    digits=st.integers(3, 6),
    rising=st.booleans(),
    damage=st.sampled_from([None, 1000.0, 100.0, 0.1, 1.7]),
    where=st.floats(0, 1),
)
def test_rounded_series_are_accepted_and_damage_inside_them_found(top, fold, levels, digits, rising, damage, where):
    true = printed(top / fold ** np.arange(levels), digits)
    true = true[::-1] if rising else true
    stated = true.copy()
    level = 1 + int(where * (levels - 3))
    if damage:
        stated[level] *= damage
    found = find_series(stated[None])
    assert np.flatnonzero(found.off[0]).tolist() == ([level] if damage else [])
    assert found.fold[0] == pytest.approx(fold, rel=5e-3)
    np.testing.assert_allclose(found.implied[0], true, rtol=2e-2)


def test_analytes_of_a_plate_lend_their_steps_to_those_with_few_or_damaged_levels():
    steps = 1000 / 10.0 ** np.arange(4)
    stated = np.array([steps, 3 * steps, 7 * steps, steps, 5 * steps])
    stated[3, 3] = 1000  # an end that breaks the order
    stated[4, 0] *= 1000  # with four levels alone nothing could be said
    plate = np.array(["p1"] * 5)
    found = find_series(stated, plate)
    assert np.argwhere(found.off).tolist() == [[3, 3], [4, 0]]
    assert found.implied[3, 3] == pytest.approx(1)
    assert found.implied[4, 0] == pytest.approx(5000)
    assert not find_series(stated).off.any()


def test_an_analyte_with_steps_of_its_own_is_not_judged_by_the_others():
    stated = np.array([[1000 / 2.0**k for k in range(6)]] * 4 + [[1000 / 3.0**k for k in range(6)]])
    found = find_series(stated, np.zeros(5))
    assert not found.off.any()
    assert found.fold[4] == pytest.approx(3)


def test_many_curves_give_what_each_gives_alone():
    generator = np.random.default_rng(3)
    stated = generator.uniform(50, 5000, 300)[:, None] / generator.uniform(1.5, 6, 300)[:, None] ** np.arange(8)
    stated[::7, 4] *= 1000
    together = find_series(stated)
    assert np.flatnonzero(together.off.any(axis=1)).tolist() == list(range(0, 300, 7))
    for row in (0, 1, 255, 256, 299):
        alone = find_series(stated[row : row + 1])
        np.testing.assert_array_equal(alone.implied[0], together.implied[row])


def test_no_curves_and_no_levels_are_no_error():
    assert find_series(np.zeros((0, 5))).off.shape == (0, 5)
    assert find_series(np.zeros((2, 0))).off.shape == (2, 0)
