"""Limits that a person states hold for the value that is used, whichever it is; the instrument's sides are kept."""

import numpy as np
import pytest

import xponent_files
from calibrate_tables import (
    NO_CURVES,
    by_sample,
    dilution_series,
    findings_of,
    make_plan,
    make_wells,
    measurements_of,
    with_instrument,
)
from cytoshift.calibrate.study import calibrate_study
from cytoshift.intake.read import read_study
from cytoshift.study.study import IntakePlan

NAMES = [f"P{number:02d} pre" for number in range(1, 9)]


def calibrated(wells, limits=None, measurements=None, **source):
    measured = measurements_of(wells) if measurements is None else measurements
    return calibrate_study(measured, wells, NO_CURVES, make_plan(limits=limits, **source))


def stated(lower=np.nan, upper=np.nan, source="limits_file", **given):
    wells = make_wells(**given)
    sample = (wells["type"] == "sample").to_numpy()
    for side, limit in (("lower", lower), ("upper", upper)):
        wells[f"limit_{side}"] = np.where(sample, limit, np.nan)
        wells[f"limit_{side}_source"] = np.where(sample & np.isfinite(limit), source, "")
    return wells


@pytest.mark.parametrize("source", ["limits_file", "column"])
def test_a_refitted_value_under_a_stated_limit_lies_below_it(source):
    rows = by_sample(calibrated(stated(lower=100.0, source=source, blank_spread=0.1)).measurements)
    assert rows.loc[["s1", "s2"], "status"].to_list() == ["below", "below"]
    assert rows.loc["s2", ["lower", "upper"]].to_list() == [0.0, 100.0]
    assert rows.loc["s2", "limit_source"] == source
    assert rows.loc["s3", ["value", "status"]].to_list() == [pytest.approx(250.0, rel=0.01), "observed"]


def test_where_the_plan_asks_for_the_lloq_the_higher_of_it_and_the_stated_limit_holds():
    low, high = (
        by_sample(calibrated(stated(lower=limit, samples={"s": 3.0}, standards=dilution_series(4000, 4, 6)),
                             {"below": "lloq"}).measurements)
        for limit in (1.0, 50.0)
    )  # fmt: skip
    assert low.loc["s", ["upper", "limit_source"]].to_list() == [pytest.approx(2 * 4000 / 4**5), "lloq"]
    assert high.loc["s", ["upper", "limit_source"]].to_list() == [50.0, "limits_file"]


def test_over_a_stated_upper_limit_a_value_is_extrapolated_or_made_a_bound():
    wells = stated(upper=500.0)
    kept = by_sample(calibrated(wells).measurements).loc["s4"]
    assert kept["status"] == "extrapolated"
    row = by_sample(calibrated(wells, {"extrapolated": "censor"}).measurements).loc["s4"]
    assert row[["lower", "upper", "status", "limit_source"]].to_list() == [500.0, np.inf, "above", "limits_file"]


def test_the_limits_file_holds_for_signals_too_and_is_not_multiplied():
    wells = stated(lower=2 * 40.0, samples={"s": 2.0}, blank_spread=0.1)
    row = by_sample(calibrated(wells, concentration="signal", unit="MFI").measurements).loc["s"]
    assert row[["upper", "status", "limit_source"]].to_list() == [40.0, "below", "limits_file"]


def test_the_lod_that_is_shown_is_the_bound_that_is_used():
    wells = make_wells(samples={"low": 0.001}, blanks=1, standards=dilution_series(4000, 4, 8))
    wells.loc[wells["level"] == "Standard8", "signal"] = 5.0  # reads as nothing: the limit moves up
    result = calibrated(wells)
    curve = result.curves.iloc[0]
    assert curve["lod_kind"] == "lowest_standard"
    assert curve["lod"] > curve["lowest_standard"]
    row = by_sample(result.measurements).loc["low"]
    assert row["upper"] == pytest.approx(2 * curve["lod"])
    assert row["limit_source"] == "lowest_standard"


@pytest.mark.parametrize("status", ["above", "below"])
def test_a_well_that_the_file_calls_out_of_range_without_a_signal_keeps_its_side(status):
    wells = make_wells(blank_spread=0.1)
    wells.loc[wells["sample"] == "s2", ["signal", "net_signal", "status"]] = [np.nan, np.nan, status]
    result = calibrated(wells, concentration="refit")
    curve, row = result.curves.iloc[0], by_sample(result.measurements).loc["s2"]
    interval = [2 * curve["uloq"], np.inf] if status == "above" else [0, 2 * curve["lod"]]
    assert row["status"] == status
    assert row[["lower", "upper"]].to_list() == pytest.approx(interval)
    assert findings_of(result.findings, "result_without_signal").empty
    assert result.concentrations.set_index("sample").loc["s2", "status"] == status


def instrument_plate(**truth):
    wells = make_wells(samples=truth, blank_spread=0.3, standards=dilution_series(4000, 4, 6))
    return with_instrument(wells, wells["sample"].map(truth).fillna(wells["expected"]).to_numpy(dtype=float))


def test_extrapolated_values_of_the_instrument_under_the_lod_are_censored_at_it():
    wells = instrument_plate(low=0.2, weak=3.0)
    wells.loc[wells["type"] == "sample", "status"] = "extrapolated"
    result = calibrated(wells, concentration="instrument")
    rows, lod = by_sample(result.measurements), 2 * result.curves.loc[0, "lod"]
    assert rows.loc["low", ["lower", "upper"]].to_list() == pytest.approx([0, lod])
    assert rows.loc["low", ["status", "limit_source"]].to_list() == ["below", "lod"]
    assert rows.loc["weak", ["value", "status"]].to_list() == [3.0, "extrapolated"]


def test_what_the_plan_says_of_the_range_holds_for_the_instruments_numbers():
    wells = instrument_plate(weak=3.0, mid=300.0, strong=12_000.0)
    for limits in ({"below": "lloq"}, {"extrapolated": "censor"}):
        rows = by_sample(calibrated(wells, limits, concentration="instrument").measurements)
        assert rows.loc["weak", ["status", "limit_source"]].to_list() == ["below", "lloq"]
        assert rows.loc["mid", "value"] == 300.0
    assert rows.loc["strong", ["lower", "status", "limit_source"]].to_list() == [8000.0, "above", "uloq"]


def test_without_a_curve_the_instruments_numbers_stay_as_they_are():
    wells = instrument_plate(weak=3.0).assign(signal=np.nan, net_signal=np.nan)
    wells["status"] = wells["status"].where(wells["type"] != "sample", "extrapolated")
    rows = by_sample(calibrated(wells, {"extrapolated": "censor"}, concentration="instrument").measurements)
    assert rows.loc["weak", ["value", "status"]].to_list() == [3.0, "extrapolated"]


def test_logarithmic_units_have_no_floor_at_zero_and_keep_what_intake_filled():
    wells = make_wells(samples={"a": 1.0, "b": 1.0, "c": 1.0}).assign(signal=np.nan, net_signal=np.nan, unit="NPX")
    wells = wells[wells["type"] == "sample"].reset_index(drop=True)
    wells = with_instrument(wells, np.array([np.nan, np.nan, -2.5]))
    wells.loc[wells["sample"].isin(["a", "b"]), "status"] = "below"
    measured = measurements_of(wells)
    filled = measured["sample"] == "a"
    measured.loc[filled, ["lower", "upper", "limit_source"]] = [-np.inf, -1.5, "lowest_observed"]
    rows = by_sample(calibrated(wells, measurements=measured, unit="NPX").measurements)
    assert rows.loc["a", ["lower", "upper", "limit_source"]].to_list() == [-np.inf, -1.5, "lowest_observed"]
    assert rows.loc["b", ["lower", "upper", "limit_source"]].to_list() == [-np.inf, -2.5, "lowest_observed"]


def read(tmp_path, monkeypatch, **source):
    monkeypatch.chdir(tmp_path)
    rows = [f"{name},{name.split()[0]},pre" for name in NAMES]
    (tmp_path / "samples.csv").write_text("\n".join(["sample,subject,visit", *rows]) + "\n")
    (tmp_path / "lod.csv").write_text("analyte,lower,upper\nIL-6,2000,3000\n")
    raw = xponent_files.write(xponent_files.compose(samples=8, dilution="4").lines())
    (tmp_path / "plate.csv").write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    panel = {"id": "luminex", "format": "xponent", "files": ["plate.csv"], "unit": "pg/mL", "limits": "lod.csv"}
    plan = {"design": "single_arm", "time_unit": "week", "visits": [{"id": "baseline", "written": ["pre"]}]}
    empty = {name: [] for name in ("arms", "cells", "outcomes", "names", "exclude")}
    return read_study(
        IntakePlan.model_validate(plan | empty | {"samples": {"file": "samples.csv"}, "cytokines": [panel | source]})
    )


def test_the_limits_file_reaches_the_refitted_values_times_the_dilution(tmp_path, monkeypatch):
    intake = read(tmp_path, monkeypatch)
    result = calibrate_study(intake.measurements, intake.wells, intake.instrument_curves, make_plan())
    rows = by_sample(result.measurements)
    below = rows[rows["limit_source"] == "limits_file"]
    assert below.index.to_list() == ["P01 pre", "P03 pre", "P04 pre"]
    assert set(below["upper"]) == {8000.0}
    assert (rows["value"].dropna() > 8000).all()


def test_findings_on_numbers_that_a_refit_replaces_say_whose_numbers_they_are(tmp_path, monkeypatch):
    refitted = findings_of(read(tmp_path, monkeypatch).findings, "under_limit").iloc[0]
    assert "2 of 8 of the instrument's own values" in refitted["message"]
    assert "only where they are used" in refitted["message"]
    assert refitted["severity"] == "note"
    used = findings_of(read(tmp_path, monkeypatch, concentration="instrument").findings, "under_limit").iloc[0]
    assert used["message"] == "luminex, il6: 2 of 8 values are under the limit of detection, read as non-detects."
    assert used["severity"] == "warning"
