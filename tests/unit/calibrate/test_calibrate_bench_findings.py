"""Standards and blanks that are used but that a person should look at."""

import pytest

from calibrate_tables import NO_CURVES, dilution_series, findings_of, make_plan, make_wells, measurements_of
from cytoshift.calibrate.study import calibrate_study


def audited(wells, **settings):
    return calibrate_study(measurements_of(wells), wells, NO_CURVES, make_plan(settings))


def test_a_contaminated_blank_that_lifts_the_lod_over_the_lloq_is_named():
    wells = make_wells(blank_spread=0.05)
    first = wells.index[wells["type"] == "blank"][0]
    wells.loc[first, "signal"] = 2000.0
    result = audited(wells)
    assert result.curves.loc[0, "lod"] > result.curves.loc[0, "lloq"]
    found = findings_of(result.findings, "lod_above_lloq")
    assert found["severity"].to_list() == ["warning"]
    assert f"{wells.loc[first, 'well']} 2000" in found.loc[0, "message"]
    assert findings_of(audited(make_wells(blank_spread=0.05)).findings, "lod_above_lloq").empty


def test_standards_and_blanks_on_few_beads_are_named_and_used():
    wells = make_wells(("il6", "tnf")).assign(beads=80.0)
    few = wells["level"].eq("Standard3") | (wells["type"].eq("blank") & wells["analyte"].eq("tnf"))
    wells.loc[few, "beads"] = 34.0
    wells.loc[wells["level"] == "Standard5", "beads"] = 35.0
    wells.loc[wells["sample"] == "s1", "beads"] = 3.0  # a sample: the quality rules speak of it
    wells.loc[wells["level"] == "Standard8", ["beads", "outlier"]] = [2.0, True]
    result = audited(wells)
    found = findings_of(result.findings, "standards_low_beads")
    assert found["numbers"].to_list() == ["values=6; wells=5; analytes=2; fewest_beads=34"]
    assert "Standard3 in" in found.loc[0, "message"]
    assert result.standards.loc[result.standards["level"] == "Standard3", "used"].all()


def test_a_standard_somewhat_beside_its_series_is_reported_and_stays_in_the_fit():
    wells = make_wells(standards=[100, 40, 20, 10, 5])
    result = audited(wells)
    found = findings_of(result.findings, "standard_beside_series")
    assert found["severity"].to_list() == ["warning"]
    assert "il6 Standard2: 40 stated, 45.5" in found.loc[0, "message"]
    assert result.standards["used"].all()
    assert result.standards["recovery"].to_list() == pytest.approx([1] * 5, rel=1e-3)


def test_round_numbers_for_a_series_are_no_matter():
    for stated in ([1000, 300, 100, 30, 10, 3, 1], [5000, 1500, 500, 150, 50, 15, 5], dilution_series(3000, 3.17, 8)):
        result = audited(make_wells(tuple(f"a{k}" for k in range(5)), standards=stated))
        assert result.standards["used"].all()
        assert not result.findings["check"].str.contains("series").any()
