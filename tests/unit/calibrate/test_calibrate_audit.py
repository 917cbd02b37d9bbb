"""What is said of standards and controls, and which numbers it rests on."""

import numpy as np
import pytest

from calibrate_tables import NO_CURVES, dilution_series, findings_of, make_plan, make_wells, measurements_of
from cytoshift.calibrate.remarks import condense
from cytoshift.calibrate.study import calibrate_study
from cytoshift.findings import finding


def audited(wells, **settings):
    return calibrate_study(measurements_of(wells), wells, NO_CURVES, make_plan(settings))


def level(result, name, **of):
    rows = result.standards[result.standards["level"] == name]
    for column, value in of.items():
        rows = rows[rows[column] == value]
    return rows.iloc[0]


def test_a_perfect_plate_gives_no_finding_but_where_its_numbers_come_from():
    result = audited(make_wells(("il6", "tnf"), controls={"Control1": 120.0}, blank_spread=0.02))
    assert result.findings["check"].to_list() == ["concentration_source"]
    assert result.standards["used"].sum() == 16
    np.testing.assert_allclose(result.standards["recovery"], 1, rtol=2e-3)


def test_a_curve_that_reads_no_standards_well_is_said_to_have_no_range():
    wells = make_wells(standards=dilution_series(4000, 3, 8))
    scatter = np.exp(0.9 * np.array([1, -1, 1, -1, 1, -1, 1, -1]))
    wells.loc[wells["type"] == "standard", "signal"] *= scatter
    result = audited(wells)
    assert result.curves["lloq"].isna().all()
    found = findings_of(result.findings, "no_quantification_range")
    assert found["severity"].to_list() == ["warning"]
    read = result.measurements[result.measurements["value"].notna()]
    assert set(read["status"]) == {"extrapolated"}


def test_blanks_without_spread_leave_the_lod_undefined_and_the_lowest_standard_as_limit():
    result = audited(make_wells(samples={"low": 0.01}), background="subtract")
    assert result.curves["lod_kind"].to_list() == ["undefined"]
    assert findings_of(result.findings, "lod_undefined")["feature"].to_list() == ["il6"]
    assert result.measurements["limit_source"].to_list() == ["lowest_standard"]


def test_sample_wells_marked_in_the_file_are_kept_and_counted():
    wells = make_wells()
    wells.loc[wells["sample"].isin(["s1", "s4"]), "outlier"] = True
    result = audited(wells)
    assert findings_of(result.findings, "sample_marked_in_file")["numbers"].to_list() == ["values=2; wells=2"]
    assert result.measurements["value"].notna().all()


def test_a_lost_decimal_point_is_reported_with_both_values_and_left_out():
    wells = make_wells(standards=[3450 / 2**k for k in range(8)])
    wells.loc[wells["level"] == "Standard5", "expected"] = 215625.0
    result = audited(wells)
    found = findings_of(result.findings, "standard_off_series")
    assert len(found) == 1
    assert found.loc[0, "feature"] == "il6"
    assert found.loc[0, "plate"] == "p1"
    assert found.loc[0, "action"] == "excluded"
    assert "Standard5" in found.loc[0, "message"]
    assert "lost decimal point" in found.loc[0, "message"]
    assert found.loc[0, "numbers"] == "stated=215625; series=215.625; factor=1000"
    row = level(result, "Standard5")
    assert row["expected"] == 215625.0
    assert row["series"] == pytest.approx(215.625)
    assert row["recovery"] == pytest.approx(1, rel=1e-6)  # of the series' value
    assert not row["used"]
    assert result.curves.loc[0, "standards_left_out"] == 1


def test_a_hook_is_reported_and_its_standards_left_out():
    wells = make_wells(standards=dilution_series(20000, 3, 9))
    wells.loc[wells["level"] == "Standard1", "signal"] *= 0.5
    result = audited(wells)
    found = findings_of(result.findings, "high_dose_hook")
    assert len(found) == 1
    assert "Standard1 left out" in found.loc[0, "message"]
    assert result.curves.loc[0, "highest_standard"] == pytest.approx(20000 / 3)
    assert level(result, "Standard1")["reason"] == "beyond a high-dose hook"


def test_exchanged_standards_are_reported_as_out_of_order_and_kept():
    wells = make_wells(standards=dilution_series(4000, 2, 10))
    first, second = ((wells["level"] == name).to_numpy() for name in ("Standard5", "Standard6"))
    wells.loc[first, "signal"], wells.loc[second, "signal"] = (
        wells.loc[second, "signal"].to_numpy(),
        wells.loc[first, "signal"].to_numpy(),
    )
    result = audited(wells)
    found = findings_of(result.findings, "standards_not_monotone")
    assert len(found) == 1
    assert "Standard5 reads less than a weaker standard" in found.loc[0, "message"]
    assert level(result, "Standard5")["used"]


def test_a_recovery_outside_the_band_limits_the_range_and_is_named():
    wells = make_wells(standards=dilution_series(4000, 3, 10), noise=0.01)
    wells.loc[wells["level"] == "Standard8", "signal"] *= 1.35
    result = audited(wells)
    found = findings_of(result.findings, "standard_recovery")
    assert len(found) == 1
    assert "Standard8" in found.loc[0, "message"]
    row = level(result, "Standard8")
    assert row["used"]
    assert row["recovery"] > 1.25
    assert result.curves.loc[0, "lloq"] > row["expected"]


def test_controls_are_multiplied_by_their_dilution_and_reported_when_far_off():
    wells = make_wells(controls={"Control1": 100.0, "Control2": 900.0}, dilution=4.0)
    wells.loc[wells["level"] == "Control2", "expected"] = 600.0
    result = audited(wells)
    assert level(result, "Control1")["concentration"] == pytest.approx(100, rel=1e-6)
    assert level(result, "Control2")["recovery"] == pytest.approx(1.5, rel=1e-6)
    found = findings_of(result.findings, "control_recovery")
    assert len(found) == 1
    assert "Control2" in found.loc[0, "message"]
    assert "Control1" not in found.loc[0, "message"]
    assert len(findings_of(audited(wells, recovery_at_ends=0.6).findings, "control_recovery")) == 0


def test_standards_marked_in_the_file_are_counted_per_plate():
    wells = make_wells(("il6", "tnf"))
    wells.loc[wells["level"].isin(["Standard1", "Standard4"]), "outlier"] = True
    found = findings_of(audited(wells).findings, "standards_left_out")
    assert len(found) == 1
    assert found.loc[0, "numbers"] == "wells=4; analytes=2"
    assert "marked in the file" in found.loc[0, "message"]


def test_non_positive_standards_are_dropped_with_a_count_when_the_background_is_subtracted():
    wells = make_wells(standards=dilution_series(4000, 3, 10))
    wells.loc[wells["level"].isin(["Standard9", "Standard10"]), "signal"] = 19.0
    result = audited(wells, background="subtract")
    found = findings_of(result.findings, "standards_left_out")
    assert found.loc[0, "numbers"] == "wells=2; analytes=1"
    assert "no signal above zero" in found.loc[0, "message"]
    assert result.curves.loc[0, "standards_used"] == 8


def test_the_cv_of_a_level_is_that_of_its_used_wells():
    wells = make_wells(replicates=3)
    third = wells.index[wells["level"] == "Standard3"]
    wells.loc[third[0], "outlier"] = True
    wells.loc[third[0], "signal"] *= 2
    wells.loc[third[1], "signal"] *= 1.1
    result = audited(wells)
    rows = result.standards[result.standards["level"] == "Standard3"]
    read = rows["concentration"].to_numpy()[1:]
    assert rows["cv"].to_list() == pytest.approx([np.std(read, ddof=1) / read.mean()] * 3)


def test_many_findings_of_one_kind_become_one_that_counts_them():
    several = [finding("calibrate", "x", f"a{k}: odd.", feature=f"a{k}", plate="p1") for k in range(50)]
    assert condense(several[:40]) == several[:40]
    (one,) = condense(several)
    assert one["numbers"] == "combinations=50; analytes=50; plates=1"
    assert "a0: odd." in one["message"]
