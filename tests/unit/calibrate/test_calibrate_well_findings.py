"""Dilutions that nobody states: a number is given only where it cannot be wrong by an unknown factor."""

import numpy as np
import pytest

from calibrate_tables import (
    NO_CURVES,
    by_sample,
    findings_of,
    make_plan,
    make_wells,
    measurements_of,
    true_values,
    with_instrument,
)
from cytoshift.calibrate.study import calibrate_study


def calibrated(wells, **source):
    return calibrate_study(measurements_of(wells), wells, NO_CURVES, make_plan(**source))


def test_a_well_without_a_dilution_beside_diluted_ones_is_missing_and_named():
    wells = make_wells(("il6", "tnf"), controls={"Control1": 100.0}, dilution=4.0)
    forgotten = wells["sample"].eq("s2") | wells["level"].eq("Control1")
    wells.loc[forgotten, "dilution"] = np.nan
    result = calibrated(wells)
    for analyte in ("il6", "tnf"):
        rows = by_sample(result.measurements, analyte)
        assert rows.loc["s2", "status"] == "missing"
        assert np.isnan(rows.loc["s2", ["value", "lower", "upper"]].astype(float)).all()
        assert rows.loc["s3", "value"] == pytest.approx(250.0, rel=1e-6)
    found = findings_of(result.findings, "dilution_unknown")
    assert found["severity"].to_list() == ["warning"]
    assert found["numbers"].to_list() == ["values=4; wells=2"]
    names = wells.loc[forgotten, "well"].unique()
    assert ", ".join(names) in found.loc[0, "message"]
    shown = result.concentrations
    assert (shown.loc[shown["sample"] == "s2", "status"] == "missing").all()
    assert result.standards.loc[result.standards["level"] == "Control1", "recovery"].isna().all()


def test_a_well_out_of_range_without_a_dilution_gets_no_bound():
    wells = make_wells(samples={"low": 0.001, "s": 40.0}, dilution=4.0)
    wells.loc[wells["sample"] == "low", "dilution"] = np.nan
    assert by_sample(calibrated(wells).measurements).loc["low", "status"] == "missing"


def test_a_source_without_any_dilution_counts_as_undiluted_and_says_so_once():
    wells = make_wells(("il6", "tnf"), dilution=1.0)
    wells["dilution"] = np.nan
    result = calibrated(wells)
    assert by_sample(result.measurements).loc["s3", "value"] == pytest.approx(250.0, rel=1e-6)
    found = findings_of(result.findings, "dilution_not_stated")
    assert found["message"].to_list() == [
        "no file of luminex states dilutions: taken as 1; if samples were diluted give `dilution` in a layout."
    ]
    assert found["severity"].to_list() == ["warning"]


def test_an_export_that_lost_its_dilutions_shows_in_the_instruments_own_numbers():
    wells = make_wells(dilution=4.0)
    wells = with_instrument(wells, true_values(wells))
    wells["dilution"] = np.nan
    found = findings_of(calibrated(wells).findings, "dilution_not_stated")
    assert len(found) == 1
    assert "4 times those read from the curves" in found.loc[0, "message"]
    assert "instrument_over_refit=4; " in found.loc[0, "numbers"]


def test_stated_dilutions_and_signals_give_no_finding_on_dilutions():
    undiluted = make_wells(dilution=1.0)
    undiluted.loc[undiluted["sample"] == "s2", "dilution"] = np.nan
    result = calibrated(undiluted)
    assert by_sample(result.measurements).loc["s2", "value"] == pytest.approx(40.0, rel=1e-6)
    signals = calibrated(make_wells().assign(dilution=np.nan), concentration="signal", unit="MFI")
    for findings in (result.findings, signals.findings):
        assert not findings["check"].str.contains("dilution").any()
