"""From signals to the values of the panel: concentrations, bounds, choices, and what passes untouched."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from calibrate_tables import (
    NO_CURVES,
    SAMPLES,
    by_sample,
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
from cytoshift.calibrate.study import calibrate_study
from cytoshift.frames import conform, empty
from cytoshift.study.problem import Problems
from cytoshift.tables import INSTRUMENT_CURVES, MEASUREMENTS, TABLES, WELLS
from quality_tables import make_measurements
from shared_data import requires_shared


def calibrated(wells, plan=None, curves=NO_CURVES, measurements=None):
    given = measurements_of(wells) if measurements is None else measurements
    return calibrate_study(given, wells, curves, plan or make_plan())


def test_concentrations_are_read_from_the_refitted_curve_times_dilution():
    result = calibrated(make_wells(("il6", "tnf"), dilution=5.0))
    for analyte in ("il6", "tnf"):
        rows = by_sample(result.measurements, analyte)
        for sample, truth in SAMPLES.items():
            assert rows.loc[sample, "value"] == pytest.approx(truth, rel=1e-6)
            assert rows.loc[sample, "lower"] == rows.loc[sample, "upper"] == rows.loc[sample, "value"]
        assert set(rows["status"]) == {"observed"}
        assert set(rows["limit_source"]) == {""}
    assert result.curves["concentration"].to_list() == ["refit", "refit"]


def test_the_interval_of_a_noisy_plate_holds_most_true_concentrations():
    truth = {f"s{k}": 20.0 * 1.05**k for k in range(80)}
    wells = make_wells(samples=truth, noise=0.06, replicates=1, seed=11, standards=dilution_series(4000, 2, 11))
    rows = calibrated(wells).concentrations
    rows = rows[rows["type"] == "sample"]
    true = rows["sample"].map(truth)
    inside = (rows["low"] <= true) & (true <= rows["high"])
    assert 0.88 <= inside.mean() <= 1.0
    assert (rows["se_log2"] > 0).all()


OUTSIDE = {"low": 0.2, "weak": 3.0, "strong": 90_000.0}


@cache
def outside_plate(below="lod", extrapolated="keep"):
    """A plate with a sample under the LOD, one between LOD and LLOQ, and one past the upper asymptote, calibrated."""
    wells = make_wells(samples=OUTSIDE, blank_spread=0.1, standards=dilution_series(4000, 4, 6))
    wells.loc[wells["sample"] == "strong", "signal"] = 26_000.0
    return calibrated(wells, make_plan(limits={"below": below, "extrapolated": extrapolated}))


def test_a_sample_under_the_lod_lies_below_lod_times_dilution():
    result = outside_plate()
    curve = result.curves.iloc[0]
    assert curve["lod_kind"] == "blanks"
    row = by_sample(result.measurements).loc["low"]
    assert row["status"] == "below"
    assert np.isnan(row["value"])
    assert row["lower"] == 0.0
    assert row["upper"] == pytest.approx(curve["lod"] * 2)
    assert row["limit_source"] == "lod"


def test_a_sample_past_the_upper_asymptote_lies_above_the_range():
    result = outside_plate()
    row = by_sample(result.measurements).loc["strong"]
    assert row["status"] == "above"
    assert row["lower"] == pytest.approx(result.curves.loc[0, "uloq"] * 2)
    assert np.isinf(row["upper"])
    assert row["limit_source"] == "uloq"


def test_between_lod_and_lloq_a_value_is_kept_as_extrapolated_or_made_a_bound():
    curve = outside_plate().curves.iloc[0]
    assert curve["lod"] < 1.5 < curve["lloq"]
    kept = by_sample(outside_plate().measurements).loc["weak"]
    assert kept["status"] == "extrapolated"
    assert kept["value"] == pytest.approx(3.0, rel=0.02)
    for limits in ({"extrapolated": "censor"}, {"below": "lloq"}):
        row = by_sample(outside_plate(**limits).measurements).loc["weak"]
        assert row["status"] == "below"
        assert row["upper"] == pytest.approx(curve["lloq"] * 2)
        assert row["limit_source"] == "lloq"


def test_above_the_uloq_but_readable_a_value_is_kept_or_made_a_bound():
    wells = make_wells(samples={"strong": 12_000.0})
    plain = calibrated(wells)
    uloq = plain.curves.loc[0, "uloq"]
    row = by_sample(plain.measurements).loc["strong"]
    assert row["status"] == "extrapolated"
    assert row["value"] == pytest.approx(12_000, rel=1e-5)
    row = by_sample(calibrated(wells, make_plan(limits={"extrapolated": "censor"})).measurements).loc["strong"]
    assert row["status"] == "above"
    assert row["lower"] == pytest.approx(uloq * 2)


def test_with_too_few_blanks_the_lowest_standard_is_the_limit():
    wells = make_wells(samples={"low": 0.1}, blanks=1)
    row = by_sample(calibrated(wells).measurements).loc["low"]
    assert row["status"] == "below"
    assert row["upper"] == pytest.approx(2 * dilution_series()[-1])
    assert row["limit_source"] == "lowest_standard"


def test_a_well_without_a_signal_is_missing_and_counted_when_the_instrument_had_a_number():
    wells = with_instrument(make_wells(), true_values(make_wells()))
    wells.loc[wells["sample"] == "s2", "signal"] = np.nan
    result = calibrated(wells)
    row = by_sample(result.measurements).loc["s2"]
    assert row["status"] == "missing"
    assert np.isnan([row["value"], row["lower"], row["upper"]]).all()
    assert findings_of(result.findings, "result_without_signal").loc[0, "numbers"] == "values=1; wells=1"


def test_measurements_of_other_sources_pass_untouched():
    wells = make_wells()
    table = make_measurements([("a", "il6", "<3.2"), ("b", "il6", 7.125), ("c", "il6", None)], plate="p1")
    both = conform(pd.concat([table, measurements_of(wells)], ignore_index=True), MEASUREMENTS)
    result = calibrated(wells, measurements=both)
    pd.testing.assert_frame_equal(result.measurements.iloc[:3], both.iloc[:3])
    assert by_sample(result.measurements).loc["s1", "value"] == pytest.approx(3.0)


def test_a_study_without_instrument_files_gives_empty_tables_and_the_same_measurements():
    table = make_measurements([("a", "il6", "<3.2"), ("b", "il6", 7.125)])
    result = calibrate_study(table, empty(WELLS), empty(INSTRUMENT_CURVES), make_plan())
    assert result.measurements is table
    for name in ("curves", "standards", "concentrations", "agreement", "findings"):
        frame = getattr(result, name)
        assert frame.empty
        assert list(frame.columns) == TABLES[name].names()


def few_standards(values):
    wells = make_wells(standards=dilution_series(4000, 4, 4))
    return wells if values is None else with_instrument(wells, values(wells))


def test_with_too_few_standards_the_instruments_numbers_are_used_and_it_says_so():
    result = calibrated(few_standards(true_values))
    assert result.curves.loc[0, "concentration"] == "instrument"
    assert result.curves.loc[0, "model"] == ""
    np.testing.assert_array_equal(by_sample(result.measurements)["value"], list(SAMPLES.values()))
    found = findings_of(result.findings, "no_curve")
    assert "4 usable standard concentrations, 5 are needed" in found.loc[0, "message"]
    assert result.concentrations.empty
    assert (result.standards["reason"] == "no curve could be fitted").all()


@pytest.mark.parametrize("signal", [1200.0, float("nan")], ids=["signals", "numbers alone, as Olink has them"])
def test_a_refit_that_was_asked_for_and_is_nowhere_possible_is_refused_and_not_replaced(signal):
    wells = make_wells(standards=[], blanks=0)
    wells = wells[wells["type"] == "sample"].assign(value=5.0, lower=5.0, upper=5.0, status="observed")
    assert calibrated(wells).curves["concentration"].to_list() == ["instrument"], "nobody asked: the instrument's stay"
    with pytest.raises(Problems) as raised:
        calibrated(wells.assign(signal=signal), make_plan(concentration="refit"))
    (line,) = str(raised.value).splitlines()
    assert line.startswith("study file: cytokines[luminex].concentration: 'refit' is not possible")


def test_without_curve_and_numbers_the_problem_names_plate_analyte_and_remedy():
    with pytest.raises(Problems) as raised:
        calibrated(few_standards(None))
    (line,) = str(raised.value).splitlines()
    assert line.startswith("p1.csv: cytokines.luminex.concentration: plate 'p1', 1 analyte (il6): ")
    assert "4 usable standard concentrations, 5 are needed" in line
    assert "concentration: signal with unit: MFI" in line


def flat_tnf():
    wells = make_wells(("il6", "tnf"))
    flat = (wells["analyte"] == "tnf") & (wells["type"] == "standard")
    wells.loc[flat, "signal"] = [20.0, 19, 21, 20, 19, 21, 20, 19]
    return wells


def test_an_analyte_that_can_give_no_concentration_is_missing_where_others_have_theirs():
    result = calibrated(flat_tnf())
    assert (by_sample(result.measurements, "tnf")["status"] == "missing").all()
    assert by_sample(result.measurements)["value"].to_list() == pytest.approx(list(SAMPLES.values()))
    found = findings_of(result.findings, "no_concentration")
    assert found["severity"].to_list() == ["warning"]
    assert "for 1 analyte (tnf); their values are missing" in found.loc[0, "message"]
    assert "does not rise" in found.loc[0, "message"]
    said = findings_of(result.findings, "concentration_source").loc[0, "message"]
    assert said == "luminex: of 2 plate × analyte combinations, 1 from the curves refitted here, 1 from nowhere."


def test_wells_that_the_study_file_excludes_ask_for_no_concentration():
    wells = flat_tnf()
    wells.loc[wells["analyte"] == "tnf", "excluded"] = True
    result = calibrated(wells)
    assert findings_of(result.findings, "no_concentration").empty
    assert "1 from nowhere" in findings_of(result.findings, "concentration_source").loc[0, "message"]
    assert by_sample(result.measurements)["value"].notna().all()


PROBLEMS = {
    "signals in a unit of concentration": (
        {"concentration": "signal"},
        make_wells,
        "cytokines.luminex.unit: 'pg/mL' is a concentration",
    ),
    "the instrument's numbers where there are none": (
        {"concentration": "instrument"},
        make_wells,
        "the file prints no concentrations; legal: refit, signal",
    ),
    "signals where there are none": (
        {"concentration": "signal", "unit": "MFI"},
        lambda: with_instrument(make_wells().assign(signal=np.nan, net_signal=np.nan), true_values(make_wells())),
        "the file has no signals; legal: instrument",
    ),
}


@pytest.mark.parametrize("case", PROBLEMS.values(), ids=PROBLEMS.keys())
def test_a_choice_that_the_file_cannot_meet_is_one_clear_line(case):
    source, make, words = case
    with pytest.raises(Problems) as raised:
        calibrated(make(), make_plan(**source))
    (line,) = str(raised.value).splitlines()
    assert words in line


def test_the_instruments_open_bounds_get_the_plates_limits_and_the_rest_stays():
    wells = with_instrument(make_wells(blank_spread=0.1), true_values(make_wells()))
    states = {"s1": ("below", np.nan, np.nan), "s2": ("below", 0.0, 7.5), "s4": ("above", np.nan, np.nan)}
    for sample, (status, lower, upper) in states.items():
        wells.loc[wells["sample"] == sample, ["value", "lower", "upper", "status"]] = [np.nan, lower, upper, status]
    measured = measurements_of(wells)
    measured.loc[measured["sample"] == "s2", "limit_source"] = "written"
    result = calibrated(wells, make_plan(concentration="instrument"), measurements=measured)
    rows = by_sample(result.measurements)
    curve = result.curves.iloc[0]
    assert rows.loc["s1", ["lower", "upper"]].to_list() == pytest.approx([0, 2 * curve["lod"]])
    assert rows.loc["s1", "limit_source"] == "lod"
    assert rows.loc["s2", ["upper", "limit_source"]].to_list() == [7.5, "written"]
    assert rows.loc["s4", "lower"] == pytest.approx(2 * 4000)
    assert rows.loc["s4", "limit_source"] == "highest_standard"
    assert rows.loc["s3", "value"] == SAMPLES["s3"]
    assert curve["model"] == "4pl"  # fitted all the same, to compare


def test_signals_lose_their_background_and_are_non_detects_under_the_blanks_limit():
    wells = make_wells(blank_spread=0.1, samples={"s1": 50.0, "low": 0.05, "none": 1.0})
    wells.loc[wells["sample"] == "none", ["signal", "net_signal"]] = [15.0, -5.0]
    result = calibrated(wells, make_plan(concentration="signal", unit="MFI"))
    rows = by_sample(result.measurements)
    signal = wells.set_index("sample")["signal"]
    assert rows.loc["s1", "value"] == pytest.approx(signal["s1"] - 20)
    reach = 3 * np.std([18.0, 20, 22, 20], ddof=1)
    for sample in ("low", "none"):
        assert rows.loc[sample, "status"] == "below"
        assert rows.loc[sample, ["lower", "upper"]].to_list() == pytest.approx([0, reach])
        assert rows.loc[sample, "limit_source"] == "lod"
    assert findings_of(result.findings, "signal_not_positive").loc[0, "numbers"] == "values=1; samples=1"


def test_a_file_with_raw_signals_alone_has_its_blanks_taken_off():
    wells = make_wells(blanks=2).assign(net_signal=np.nan)
    result = calibrated(wells, make_plan(concentration="signal", unit="MFI"))
    np.testing.assert_allclose(
        by_sample(result.measurements)["value"], wells.set_index("sample")["signal"][list(SAMPLES)] - 20
    )


def test_plates_that_differ_in_method_are_pointed_out():
    wells = [make_wells(plate="p1"), make_wells(plate="p2", standards=dilution_series(4000, 4, 3))]
    wells = pd.concat([with_instrument(part, true_values(part)) for part in wells], ignore_index=True)
    result = calibrated(conform(wells, WELLS))
    assert result.curves.set_index("plate")["concentration"].to_dict() == {"p1": "refit", "p2": "instrument"}
    found = findings_of(result.findings, "no_curve")
    assert found.loc[0, "severity"] == "warning"
    assert "plates differ in method" in found.loc[0, "message"]


def test_controls_named_in_the_sample_sheet_get_values_too():
    wells = make_wells(controls={"pool": 60.0})
    wells.loc[wells["written"] == "pool", "sample"] = "pool"
    assert by_sample(calibrated(wells).measurements).loc["pool", "value"] == pytest.approx(60.0, rel=1e-6)


def test_the_order_of_rows_changes_no_number_and_a_second_run_no_byte():
    wells = make_wells(("il6", "tnf"), noise=0.05, controls={"Control1": 100.0})
    first, again = calibrated(wells), calibrated(wells)
    for name in TABLES.keys() & vars(first).keys():
        pd.testing.assert_frame_equal(getattr(first, name), getattr(again, name))
    measured = measurements_of(wells)
    shuffled = measured.iloc[np.random.default_rng(2).permutation(len(measured))].reset_index(drop=True)
    other = calibrated(wells, measurements=shuffled).measurements
    keyed = [frame.set_index(["analyte", "sample"]).sort_index() for frame in (first.measurements, other)]
    pd.testing.assert_frame_equal(*keyed)


@requires_shared
def test_a_real_plate_has_its_thirty_damaged_standards_named_and_agrees_with_its_software():
    wells, curves = real_plate("xponent/plate1.csv", "xponent")
    result = calibrated(wells, curves=curves)
    found = findings_of(result.findings, "standard_off_series")
    assert len(found) == 30
    fgf = found[found["feature"] == "fgf"].iloc[0]
    assert fgf["numbers"] == "stated=215625; series=215.625; factor=1000"
    off = result.standards[(result.standards["expected"] / result.standards["series"]).round(6) == 1000]
    assert len(off) == 30
    assert not off["used"].any()
    agreement = result.agreement
    assert (agreement["compared"] >= 40).all()
    assert agreement["median_abs_log2_ratio"].median() < 0.1
    assert (agreement["median_abs_log2_ratio"] < 0.2).sum() >= 26
    large = agreement[["median_abs_log2_ratio", "p95_abs_log2_ratio"]].max(axis=1) > 0.2
    assert (agreement["explanation"] != "").to_list() == large.to_list()


@requires_shared
def test_marked_standards_of_a_real_worksheet_stay_out_of_the_fit():
    wells, curves = real_plate("labkey_bioplex/10JAN07_plate_1.xls", "bioplex")
    result = calibrated(wells, curves=curves)
    assert findings_of(result.findings, "standards_left_out")["numbers"].to_list() == ["wells=37; analytes=25"]
    assert result.curves["standards_left_out"].sum() == 37
    assert result.agreement["median_abs_log2_ratio"].max() < 0.2
    assert make_curves(wells)["analyte"].nunique() == len(result.curves)
