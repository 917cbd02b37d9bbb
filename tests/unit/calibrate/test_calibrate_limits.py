"""Limits of detection and quantification, worked out by hand."""

import numpy as np
import pytest

from cytoshift.calibrate.curve import inverse, response
from cytoshift.calibrate.fit import fit_curves
from cytoshift.calibrate.limits import Levels, detection_limits, level_readings, quantification_range

STANDARDS = 8192 / 4.0 ** np.arange(7)
TRUTH = np.array([[20.0, 1.0, 500.0, 12_000.0, 1.0]])


def plates(count):
    """Standards without noise: every plate has the same curve, a = 20."""
    concentration = np.tile(STANDARDS, (count, 1))
    return fit_curves(concentration, response(concentration, np.repeat(TRUTH, count, axis=0)), curve="4pl")


def test_mean_and_three_sd_of_one_plates_blanks():
    # mean 22, SD sqrt(20/3) by hand; median 22, MAD 2
    found = detection_limits(plates(1), np.array([[19.0, 21.0, 23.0, 25.0]]), np.array(["il6"]))
    np.testing.assert_allclose(found.signal, 22 + 3 * np.sqrt(20 / 3), rtol=1e-12)
    np.testing.assert_allclose(found.signal_robust, 22 + 3 * 1.4826 * 2, rtol=1e-12)
    np.testing.assert_allclose(found.lod, inverse(found.signal, TRUTH), rtol=1e-4)
    np.testing.assert_allclose(found.lod_robust, inverse(found.signal_robust, TRUTH), rtol=1e-4)
    assert (found.kind[0], found.reason[0], found.blanks[0], found.blank_signal[0]) == ("blanks", "", 4, 22)


def test_plates_of_an_analyte_share_the_sd_within_plates():
    # within plates: 2 × 1², 2 × 2² on 2 df → variance 5; plate means 21 and 42 keep apart
    blanks = np.array([[20.0, 22.0], [40.0, 44.0], [20.0, 22.0]])
    found = detection_limits(plates(3), blanks, np.array(["il6", "il6", "tnf"]))
    np.testing.assert_allclose(found.signal[:2], [21 + 3 * np.sqrt(5), 42 + 3 * np.sqrt(5)], rtol=1e-12)
    # deviations from the plate medians 1, 1, 2, 2 × √2; their median is 1.5 √2
    np.testing.assert_allclose(found.signal_robust[:2], np.array([21, 42]) + 3 * 1.4826 * 1.5 * np.sqrt(2), rtol=1e-12)
    assert list(found.kind) == ["blanks", "blanks", "lowest_standard"]


def test_one_blank_per_plate_uses_the_spread_between_plates():
    blanks = np.array([[19.0], [21.0], [23.0], [25.0]])
    found = detection_limits(plates(4), blanks, np.array(["il6"] * 4))
    np.testing.assert_allclose(found.signal, blanks[:, 0] + 3 * np.sqrt(20 / 3), rtol=1e-12)
    np.testing.assert_allclose(found.signal_robust, blanks[:, 0] + 3 * 1.4826 * 2, rtol=1e-12)


def test_too_few_blanks_leave_the_lowest_standard():
    found = detection_limits(plates(1), np.array([[20.0, 22.0, 21.0]]), np.array(["il6"]))
    assert (found.kind[0], found.lod[0]) == ("lowest_standard", 2.0)
    assert found.reason[0] == "3 blanks on all plates, 4 are needed"
    assert np.isnan(found.lod_robust[0])
    assert detection_limits(plates(1), np.array([[20.0, 22.0, 21.0]]), ["il6"], min_blanks=3).kind[0] == "blanks"


def test_a_plate_without_blanks_among_others():
    blanks = np.array([[19.0, 21.0, 23.0, 25.0], [np.nan] * 4])
    found = detection_limits(plates(2), blanks, np.array(["il6", "il6"]))
    assert list(found.kind) == ["blanks", "lowest_standard"]
    assert found.reason[1] == "no blank on this plate"
    assert np.isnan(found.blank_signal[1])


@pytest.mark.parametrize(
    ("blanks", "words"),
    [
        ([10.0, 11.0, 10.0, 11.0], "mean + 3 SD of the blanks is 12.2321, below the lower asymptote of the curve"),
        ([13e3, 13e3, 13e3, 13e3], "mean + 3 SD of the blanks is 13000, above the upper asymptote of the curve"),
    ],
)
def test_blanks_off_the_curve_leave_the_lod_undefined(blanks, words):
    found = detection_limits(plates(1), np.array([blanks]), np.array(["il6"]))
    assert (found.kind[0], found.reason[0]) == ("undefined", words)
    assert np.isnan(found.lod[0])


def test_no_curve_leaves_what_is_known():
    standards = np.array([[1.0, 10.0, 100.0]])
    fits = fit_curves(standards, standards * 5)
    found = detection_limits(fits, np.array([[1.0, 2.0, 1.0, 2.0]]), np.array(["il6"]))
    assert (found.kind[0], found.reason[0]) == ("", "no standard curve")
    assert np.isnan(found.lod[0])
    assert found.blank_signal[0] == 1.5
    assert detection_limits(fits, np.array([[1.0]]), np.array(["il6"])).lod[0] == 1.0


def test_readings_are_summed_up_by_level():
    expected = np.array([[100, 1, 100, 10, 1, 0, np.nan], [5, 5, 5, np.nan, np.nan, np.nan, np.nan]], dtype=float)
    read = np.array([[110, 0.8, 90, 12, 1.0, 0.1, 3], [0, 5, 5, 1, 1, 1, 1]], dtype=float)
    levels = level_readings(expected, read)
    np.testing.assert_allclose(levels.concentration, [[1, 10, 100], [5, np.nan, np.nan]])
    np.testing.assert_allclose(levels.recovery, [[0.9, 1.2, 1.0], [np.nan] * 3])
    np.testing.assert_allclose(levels.cv, [[np.sqrt(0.02) / 0.9, np.nan, np.sqrt(200) / 100], [np.nan] * 3])
    np.testing.assert_array_equal(levels.wells, [[2, 1, 2], [3, 0, 0]])


def levels_of(recovery, cv=None, wells=2):
    recovery = np.array([recovery], dtype=float)
    cv = np.full(recovery.shape, 0.05) if cv is None else np.array([cv], dtype=float)
    concentration = 4.0 ** np.arange(recovery.shape[1])[None]
    return Levels(concentration, recovery, cv, np.full(recovery.shape, wells))


CASES = {
    "all good": (levels_of([1, 1, 1, 1]), (1, 64)),
    "ends may be wider": (levels_of([1.24, 1.1, 0.9, 0.76]), (1, 64)),
    "not the inner ones": (levels_of([1, 1, 1.24, 1, 1, 1]), (16, 1024)),
    "ends too wide": (levels_of([1.26, 1, 1, 0.74]), (4, 16)),
    "a gap splits; the longer run counts": (levels_of([1, 1, 2, 1, 1, 1]), (64, 1024)),
    "equal runs: the lower one": (levels_of([1, 1, 2, 1, 1]), (1, 4)),
    "CV of replicates": (levels_of([1, 1, 1, 1], [0.26, 0.25, 0.2, 0.25]), (4, 64)),
    "CV inside": (levels_of([1, 1, 1, 1, 1], [0.1, 0.1, 0.21, 0.1, 0.1]), (1, 16)),
    "an unreadable level": (levels_of([np.nan, 1, 1, 1]), (4, 64)),
    "one good level is no range": (levels_of([2, 1, 2, 1]), (np.nan, np.nan)),
    "single wells have no CV": (levels_of([1, 1, 1], [np.nan] * 3, wells=1), (1, 16)),
    "exactly at the limit": (levels_of([1.25, 1.2, 0.8, 0.75]), (1, 64)),
}


@pytest.mark.parametrize("case", CASES)
def test_quantification_range(case):
    levels, (lloq, uloq) = CASES[case]
    found = quantification_range(levels)
    np.testing.assert_array_equal([found.lloq[0], found.uloq[0]], [lloq, uloq])
    assert (found.reason[0] == "no two neighbouring standards have recovery and CV in range") == np.isnan(lloq)


def test_equal_runs_of_unequal_ratio():
    levels = levels_of([1, 1, 2, 1, 1])
    levels.concentration[0] = [1, 2, 4, 8, 80]
    found = quantification_range(levels)
    assert (found.lloq[0], found.uloq[0]) == (8, 80)


def test_limits_are_the_analysts():
    levels = levels_of([1.3, 1.3, 1.35, 1], [0.3, 0.3, 0.3, 0.3])
    assert quantification_range(levels).reason[0] != ""
    found = quantification_range(levels, recovery=0.3, recovery_at_ends=0.4, max_cv=0.3, max_cv_at_ends=0.3)
    assert (found.lloq[0], found.uloq[0]) == (1, 16)


def test_many_curves_with_unequal_numbers_of_levels():
    expected = np.array([[1, 2, 4, 8], [1, 2, np.nan, np.nan], [np.nan] * 4], dtype=float)
    found = quantification_range(level_readings(expected, expected * 1.1))
    np.testing.assert_array_equal(found.lloq, [1, 1, np.nan])
    np.testing.assert_array_equal(found.uloq, [8, 2, np.nan])
    assert list(found.reason) == ["", "", "no standards"]
