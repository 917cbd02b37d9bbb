"""The refit beside the instrument's own numbers, and the instrument's numbers beside its own curves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibrate_tables import (
    CURVE,
    SAMPLES,
    dilution_series,
    findings_of,
    make_curves,
    make_plan,
    make_wells,
    measurements_of,
    real_plate,
    true_values,
    with_instrument,
)
from cytoshift.calibrate.curve import response
from cytoshift.calibrate.instrument import check_arithmetic, find_curves, invert
from cytoshift.calibrate.standards import arrange
from cytoshift.calibrate.study import calibrate_study
from shared_data import requires_shared


def compared(wells, curves, **settings):
    return calibrate_study(measurements_of(wells), wells, curves, make_plan(settings))


def test_an_instrument_that_is_right_agrees_well_by_well():
    wells = make_wells(controls={"Control1": 100.0})
    wells = with_instrument(wells, true_values(wells))
    result = compared(wells, make_curves(wells))
    row = result.agreement.iloc[0]
    assert row["compared"] >= 11  # four samples, a control and the standards inside the range
    assert row["p95_abs_log2_ratio"] < 1e-5
    assert row["explanation"] == ""
    assert row["status_differs"] == 0
    blanks = result.concentrations["type"] == "blank"
    assert not blanks.any()
    np.testing.assert_allclose(result.concentrations["log2_ratio"], 0, atol=1e-5)


def test_a_twofold_difference_is_measured_and_explained_by_what_both_read_in_the_standards():
    wells = make_wells(samples={f"s{k}": 20.0 * k for k in range(1, 11)})
    wells["value"] = wells["expected"].fillna(0) + np.where(wells["sample"] != "", 1.0, 0.0)
    truth = wells["written"].map({f"s{k}": 20.0 * k for k in range(1, 11)})
    stated = truth.fillna(wells["expected"]).where(wells["type"] != "blank").to_numpy(dtype=float)
    wells = with_instrument(wells, stated / 2)
    bent = (CURVE[0], CURVE[1], CURVE[2] / 2, CURVE[3], CURVE[4])
    result = compared(wells, make_curves(wells, bent, r_squared=0.81))
    row = result.agreement.iloc[0]
    assert row["median_log2_ratio"] == pytest.approx(1, abs=1e-4)
    assert row["median_abs_log2_ratio"] == pytest.approx(1, abs=1e-4)
    assert "the software's curve reads" in row["explanation"]
    assert "at a median 0.50 times what they hold" in row["explanation"]
    assert "at a median 1.00 times what they hold" in row["explanation"]
    assert "R² of 0.810" in row["explanation"]
    found = findings_of(result.findings, "refit_differs")
    assert found.loc[0, "severity"] == "warning"
    assert found.loc[0, "feature"] == "il6"


def test_a_software_that_took_a_damaged_standard_as_stated_is_told():
    wells = make_wells(standards=[4000 / 2**k for k in range(9)], samples={f"s{k}": 100.0 for k in range(6)})
    damaged = (wells["level"] == "Standard6").to_numpy()
    wells.loc[damaged, "expected"] = 125000.0
    stated = wells["expected"].fillna(100.0).where(wells["type"] != "blank").to_numpy(dtype=float)
    stated = np.where(wells["type"] == "sample", 170.0, stated)  # pulled up by it
    result = compared(with_instrument(wells, stated), make_curves(wells))
    text = result.agreement.loc[0, "explanation"]
    assert "the software used 1 standard well off the dilution series, left out here" in text


def test_background_subtraction_near_the_blanks_is_named():
    wells = make_wells(samples={f"s{k}": 1.5 for k in range(6)}, dilution=1.0, standards=dilution_series(2000, 2, 12))
    stated = wells["expected"].fillna(1.5).where(wells["type"] != "blank").to_numpy(dtype=float)
    stated = np.where(wells["type"] == "sample", 1.0, stated)
    curves = make_curves(wells, on="net")
    text = compared(with_instrument(wells, stated), curves).agreement.loc[0, "explanation"]
    assert "under 5 times the blanks' (20), which the software subtracts" in text
    text = compared(with_instrument(wells, stated), curves, background="constrain").agreement.loc[0, "explanation"]
    assert "takes for the curve's lower end" in text


def test_wells_that_only_one_of_the_two_calls_a_number_are_counted():
    wells = make_wells()
    wells = with_instrument(wells, true_values(wells))
    below = wells["sample"].isin(["s1", "s2"])
    wells.loc[below, ["value", "lower", "upper", "status"]] = [np.nan, 0.0, 1.0, "below"]
    result = compared(wells, make_curves(wells))
    row, calibrated = result.agreement.iloc[0], result.concentrations
    assert row["status_differs"] == 2
    in_range = int(calibrated["in_range"].sum())
    assert row["compared"] == in_range - 2


@settings(max_examples=50, deadline=None)
@given(
    x=st.floats(1e-2, 1e4),
    b=st.floats(0.5, 3.0),
    c=st.floats(1.0, 1000.0),
    g=st.floats(0.4, 2.5),
    low=st.floats(-5.0, 100.0),
    falling=st.booleans(),
)
def test_a_software_curve_is_inverted_whichever_way_it_is_written(x, b, c, g, low, falling):
    high = low + 20000.0
    a, slope, d = (high, -b, low) if falling else (low, b, high)
    y = d + (a - d) / (1 + (x / c) ** slope) ** g
    read = invert(np.array([y]), np.array([[a, slope, c, d, g]]))[0]
    share = (y - low) / (high - low)
    if 1e-6 < share < 1 - 1e-6:
        assert read == pytest.approx(x, rel=1e-5)


def test_past_its_asymptotes_a_software_curve_reads_nothing():
    curve = np.tile([25000.0, -1.0, 400.0, -0.3, 1.0], (4, 1))
    assert np.isnan(invert(np.array([-0.3, -5.0, 25000.0, 30000.0]), curve)).all()


def with_printed(digits=None):
    """A plate whose printed concentrations follow from its curve, rounded to some digits after the point."""
    wells = make_wells(samples={**SAMPLES, "s5": 0.9})
    wells["signal"] = wells["signal"].round(1)
    parameters = np.tile(CURVE, (len(wells), 1))
    value = invert(wells["signal"].to_numpy(), parameters)
    value = np.where(wells["type"] == "sample", value * 2, value)
    return with_instrument(wells, value if digits is None else np.round(value, digits))


def arithmetic(wells):
    bench = arrange(wells, "include")
    return check_arithmetic(bench, find_curves(bench, make_curves(wells)))


@pytest.mark.parametrize("digits", [None, 2, 0])
def test_printed_numbers_that_follow_from_the_files_own_curves_are_counted(digits):
    (only,) = arithmetic(with_printed(digits))
    assert only["check"] == "instrument_arithmetic"
    assert only["severity"] == "note"
    printed = int((with_printed(digits)["value"] > 0).sum())
    assert only["numbers"].startswith(f"printed={printed}; follow={printed}; within_1_percent=")


def test_an_altered_number_is_named_with_what_the_curve_gives():
    wells = with_printed(2)
    wells.loc[wells["sample"] == "s3", "value"] = 25.0
    summary, altered = arithmetic(wells)
    assert summary["severity"] == "warning"
    assert "12 of 13" in summary["message"]
    assert altered["check"] == "instrument_value_differs"
    well = wells.loc[wells["sample"] == "s3", "well"].iloc[0]
    assert f"{well} 25 where the curve gives 250" in altered["message"]


def test_a_file_without_curves_gives_no_finding():
    wells = with_instrument(make_wells(), true_values(make_wells()))
    bench = arrange(wells, "include")
    assert check_arithmetic(bench, find_curves(bench, make_curves(wells)[:0])) == []


def test_the_formula_of_the_software_is_that_of_the_library():
    x = np.array([1.0, 30.0, 400.0])
    y = response(x, np.tile(CURVE, (3, 1)))
    np.testing.assert_allclose(invert(y, np.tile(CURVE, (3, 1))), x, rtol=1e-10)


# file, format, printed numbers of samples, standards and controls (data README; 10JAN07: the one that is printed though
# its signal lies at the asymptote has no curve value to compare with), of them within 1 %
REAL = {
    "xponent/plate1.csv": ("xponent", 2580, 2580, 2580),
    "labkey_bioplex/WithBlankBead.xls": ("bioplex", 63, 63, 63),
}


@requires_shared
@pytest.mark.parametrize("path", REAL)
def test_real_exports_follow_from_their_own_curves(path):
    name, printed, follow, close = REAL[path]
    wells, curves = real_plate(path, name)
    bench = arrange(wells, "include")
    (only,) = check_arithmetic(bench, find_curves(bench, curves))
    assert only["numbers"] == f"printed={printed}; follow={follow}; within_1_percent={close}"


@requires_shared
def test_a_real_export_with_one_altered_concentration_is_noticed():
    wells, curves = real_plate("xponent/plate1.csv", "xponent")
    place = wells.index[(wells["type"] == "sample") & (wells["status"] == "observed")][500]
    wells = wells.copy()
    wells.loc[place, "value"] *= 1.1
    bench = arrange(wells, "include")
    summary, altered = check_arithmetic(bench, find_curves(bench, curves))
    assert "2,579 of 2,580" in summary["message"]
    assert wells.loc[place, "well"] in altered["message"]
    assert altered["feature"] == wells.loc[place, "analyte"]
