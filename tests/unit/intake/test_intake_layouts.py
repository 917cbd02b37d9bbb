"""Layouts as labs keep them: what lies in each well, and one clear line where they contradict themselves."""

import datetime
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.readout import well_frame
from cytoshift.intake.layouts import apply_layout, read_layout
from cytoshift.intake.well_keys import well_key
from cytoshift.study.problem import Problems
from plate_files import drawn, spoilt, workbook, written
from shared_data import requires_shared, shared_study


def layout(rows, **how):
    content = rows if isinstance(rows, bytes) else written(rows, **how)
    return read_layout(Content("layout.csv", content))


def refused(rows):
    with pytest.raises(Problems) as raised:
        layout(rows)
    return str(raised.value).splitlines()


def plate(**cells):
    """96 wells of sample ids P<letter><number>, some of them something else."""
    rows = [[f"P{letter}{number}" for number in range(1, 13)] for letter in "ABCDEFGH"]
    for well, text in cells.items():
        rows["ABCDEFGH".index(well[0])][int(well[1:]) - 1] = text
    return rows


def wells(names, **columns):
    return well_frame({"well": names, "analyte": "IL-6", "signal": 1.0, **columns}, len(names))


BENCH = {
    "A1": ("B", "blank", ""),
    "A2": ("Blank", "blank", ""),
    "A3": ("1/50", "standard", "1/50"),
    "A4": ("S1", "standard", "S1"),
    "A5": ("Std 3", "standard", "Std 3"),
    "A6": ("QC1", "control", "QC1"),
    "A7": ("C1", "control", "C1"),
    "A8": ("S01", "", ""),
    "A9": ("S17", "", ""),
    "A10": ("", "", ""),
    "A11": ("Bob-2", "", ""),
}


@pytest.mark.parametrize("bare", ["whole", "letters", "numbers", "none"])
@pytest.mark.parametrize("kind", ["text", "workbook"])
def test_a_drawn_plate_speaks_the_words_of_the_bench(bare, kind):
    rows = drawn(plate(**{well: text for well, (text, _, _) in BENCH.items()}))
    rows = rows if bare in ("whole", "numbers") else rows[1:]
    rows = rows if bare in ("whole", "letters") else [row[1:] for row in rows]
    found = layout(rows if kind == "text" else workbook(Sheet=rows)).wells
    assert len(found) == 96
    for well, (text, type_, level) in BENCH.items():
        assert found.loc[well, ["sample", "type", "level"]].tolist() == [text, type_, level]
    assert found.loc["A3", ["dilution", "expected", "relative"]].tolist() == [50.0, 0.02, True]
    assert found.loc["B1", ["sample", "type"]].tolist() == ["PB1", ""]


def test_standards_by_dilution_are_in_relative_units_and_say_so():
    found = layout(drawn(plate(A1="1/50", A2="1:100")))
    remark = next(one for one in found.remarks if one.check == "relative_standards")
    assert "2 standards" in remark.message
    assert remark.severity == "warning"
    assert found.wells.loc[["A1", "A2"], "expected"].tolist() == [0.02, 0.01]


def test_several_drawings_under_their_titles():
    types = [["U"] * 12 for _ in range(8)]
    types[0][:3] = ["Blank", "Std", "QC"]
    dilutions, concentrations = ([["2"] * 12 for _ in range(8)] for _ in range(2))
    dilutions[1][0] = "1:10"
    concentrations = [[""] * 12 for _ in range(8)]
    concentrations[0][1:3] = ["250", "31.5"]
    rows = drawn(plate(A2="top", A3="low control", H12=""), "Sample IDs")
    rows += [[], *drawn(types, "Type"), *drawn(dilutions, "Dilution")]
    rows += drawn(concentrations, "Concentration (pg/mL)")
    found = layout(rows)
    assert found.unit == "pg/mL"
    assert found.wells.loc["A1", "type"] == "blank"
    assert found.wells.loc["A2", ["sample", "type", "level", "expected"]].tolist() == ["top", "standard", "top", 250.0]
    assert found.wells.loc["A3", ["type", "expected"]].tolist() == ["control", 31.5]
    assert found.wells.loc["B1", ["sample", "type", "dilution"]].tolist() == ["PB1", "sample", 10.0]
    assert not found.wells["relative"].any()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_list_of_wells(separator):
    rows = [
        ["Well", "Sample", "Type", "Dilution factor", "Concentration (ng/mL)", "Note"],
        ["A01", "Std1", "standard", "1", "12.5", ""],
        ["a2", "B", "Blank", "", "0", ""],
        ["H12", "B1", "unknown", "1:4", "", "haemolysed"],
        ["C3", "", "", "", "", ""],
        ["H12", "B1", "unknown", "1:4", "", "again"],
    ]
    found = layout(rows, separator=separator)
    assert found.wells.index.tolist() == ["A1", "A2", "H12", "C3"]
    assert found.wells["type"].tolist() == ["standard", "blank", "sample", ""]
    assert found.wells.loc["A1", ["level", "dilution", "expected"]].tolist() == ["Std1", 1.0, 12.5]
    assert found.wells.loc["H12", ["sample", "dilution"]].tolist() == ["B1", 4.0]
    assert (found.unit, found.samples["C3"]) == ("ng/mL", "")
    assert math.isnan(found.dilutions["C3"])
    assert {remark.check for remark in found.remarks} == {"layout_column", "repeated_line"}


def test_in_a_list_a_name_alone_is_a_sample():
    found = layout([["well", "sample"], ["A1", "S1"], ["A2", "B1"], ["A3", "1/50"]])
    assert found.wells["type"].tolist() == ["", "", ""]


def test_a_list_with_concentrations_and_no_types_lists_standards():
    found = layout([["well", "sample", "concentration"], ["A1", "top", "100"], ["A2", "zero", "0"], ["A3", "P1", ""]])
    assert found.wells["type"].tolist() == ["standard", "blank", ""]


def test_mistakes_are_one_line_each():
    rows = [
        ["well", "sample", "type", "dilution", "concentration"],
        ["A1", "P1", "sample", "1:x", ""],
        ["Z9", "P2", "sample", "", ""],
        ["A2", "P3", "sampel", "-2", "1,234"],
        ["A1", "P4", "sample", "", ""],
        ["A3", "P5", "standard"],
    ]
    lines = refused(rows)
    assert len(lines) == 3
    assert "layout.csv: row 3: 'Z9' is no well; legal: A1 to H12, or to P24" in lines
    assert any("well A1 is there already (row 2)" in line for line in lines)
    assert any("row 6: has 3 cells where the header has 5" in line for line in lines)
    lines = refused([rows[0], rows[1], rows[3]])
    assert any("'1:x' is no dilution; legal: 4 or 1:4" in line for line in lines)
    assert any("'-2' is no dilution" in line for line in lines)
    assert any("'1,234' is no concentration" in line for line in lines)
    assert any(
        "'sampel' is no type; legal: sample, standard, blank, control; did you mean 'sample'?" in line for line in lines
    )
    assert len(lines) == 4


NO_LAYOUT = {
    "no sample column": ([["well", "patient"], ["A1", "P1"]], "column 'sample' is missing"),
    "no layout": ([["x", "y"], ["1", "2"]], "holds no layout; legal: a list with the columns well and sample"),
    "a row is missing": (drawn(plate())[:-1], "lacks its rows H"),
    "twice, different": ([*drawn(plate()), ["H", *["x"] * 12]], "row H of the plate is there already"),
    "a column too many": ([[*row, "x"] for row in drawn(plate())], "hold cells beside the plate's 12 columns"),
    "untitled": (drawn(plate(), "samples") + drawn(plate()), "no title stands over this plate"),
    "two of a kind": (drawn(plate(), "samples") + drawn(plate(), "sample names"), "sample is drawn twice"),
    "only types": (drawn(plate(), "Type"), "draws no plate of samples"),
    "nothing": ([[""]], "is empty"),
}


@pytest.mark.parametrize(("rows", "words"), NO_LAYOUT.values(), ids=NO_LAYOUT)
def test_layouts_that_cannot_be_followed(rows, words):
    lines = refused(rows)
    assert any(words in line for line in lines), lines


def test_dates_that_a_spreadsheet_made_of_dilutions_are_noticed():
    rows = drawn(plate())
    rows[1][2] = datetime.date(2024, 1, 2)
    lines = refused(workbook(Sheet=rows))
    said = "'2024-01-02' is a date: a spreadsheet may have turned 1/2 into one; write it as text"
    assert lines == [f"layout.csv: well A2 (row 2): {said}"]


def test_a_file_cut_off_in_its_last_line_is_refused():
    assert refused(written(drawn(plate()))[:-1]) == [
        "layout.csv: ends in the middle of a line: was it cut off? Export it again"
    ]


def test_applying_names_wells_and_leaves_out_empty_ones():
    found = layout(drawn(plate(A1="B", A2="1/50", A3="", A4="C1")))
    names = ["A1", "A2", "A3", "A4", "B1", "B01"]
    laid, remarks = apply_layout(wells(names, written=["Unknown1"] * 6, expected=[np.nan] * 6), found)
    assert laid["well"].tolist() == ["A1", "A2", "A4", "B1", "B01"]
    assert laid["written"].tolist() == ["B", "1/50", "C1", "PB1", "PB1"]
    assert laid["type"].tolist() == ["blank", "standard", "control", "sample", "sample"]
    assert laid["level"].tolist() == ["", "1/50", "C1", "", ""]
    assert laid["expected"].tolist()[1] == 0.02
    checks = {remark.check: remark for remark in remarks}
    assert "A3" in checks["empty_wells"].message
    assert checks["empty_wells"].action == "excluded"
    assert checks["well_without_reading"].numbers == {"wells": 91}
    assert "Unknown1" in checks["named_by_layout"].message


def test_a_sample_of_the_study_is_no_standard_whatever_it_is_called():
    found = layout(drawn(plate(A1="S1", A2="S2")))
    laid, _ = apply_layout(wells(["A1", "A2"]), found, samples=["S1"])
    assert laid["type"].tolist() == ["sample", "standard"]
    assert laid["level"].tolist() == ["", "S2"]


def test_the_files_own_concentrations_stay_where_the_layout_gives_only_dilutions():
    found = layout(drawn(plate(A1="1/50", A2="1/100")))
    laid, _ = apply_layout(wells(["A1", "A2"], type="standard", expected=[500.0, np.nan]), found)
    assert laid["expected"].tolist() == [500.0, 0.01]


def test_where_layout_and_file_disagree_the_layout_is_followed_and_it_is_said():
    found = layout([["well", "sample", "type"], ["A1", "P1", "sample"], ["A2", "P2", ""]])
    laid, remarks = apply_layout(wells(["A1", "A2"], type="standard", level="S1"), found)
    assert laid["type"].tolist() == ["sample", "standard"]
    remark = next(one for one in remarks if one.check == "layout_disagrees")
    assert "A1: sample and standard" in remark.message
    remark = next(one for one in remarks if one.check == "type_from_file")
    assert "A2: 'P2'" in remark.message


def contradicted(found, **columns):
    with pytest.raises(Problems) as raised:
        apply_layout(wells(["A1", "A2"], **columns), found)
    return str(raised.value).splitlines()


def test_concentrations_are_in_the_files_unit_or_refused():
    found = layout(
        [["well", "sample", "type", "concentration (ng/mL)"], ["A1", "S1", "standard", "4"], ["A2", "P", "sample", ""]]
    )
    assert contradicted(found, unit="pg/mL", expected=[4000.0, np.nan]) == [
        "layout.csv: concentration: the layout's concentrations are in 'ng/mL' and the file's in 'pg/mL'; give the "
        "layout's in 'pg/mL'"
    ]
    laid, remarks = apply_layout(wells(["A1", "A2"], unit="ng/ml", expected=[4.02, np.nan]), found)
    assert (laid["expected"].iloc[0], laid["unit"].iloc[0]) == (4, "ng/ml")
    assert "layout_standards" not in {remark.check for remark in remarks}
    laid, _ = apply_layout(wells(["A1", "A2"]), found)
    assert laid["unit"].tolist() == ["ng/mL", ""]


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 100_000), st.floats(0.001, 1000))
def test_a_concentration_that_differs_from_the_files_is_followed_and_never_in_silence(stated, factor):
    found = layout(
        [
            ["well", "sample", "type", "concentration"],
            ["A1", "top", "standard", repr(stated)],
            ["A2", "P", "sample", ""],
        ]
    )
    laid, remarks = apply_layout(wells(["A1", "A2"], expected=[stated * factor, np.nan]), found)
    assert laid["expected"].iloc[0] == stated
    told = [remark.message for remark in remarks if remark.check == "layout_standards"]
    if abs(factor - 1) > 0.05:
        assert len(told) == 1 and "gives top other concentrations than the file (well A1, IL-6: " in told[0]
    if abs(factor - 1) < 0.02:
        assert told == []


DILUTED = [["well", "sample", "type", "dilution"], ["A1", "P1", "sample", "2"], ["A2", "S1", "standard", "8"]]


def test_a_well_has_one_dilution():
    assert contradicted(layout(DILUTED), dilution=[4.0, 1.0]) == [
        "layout.csv: dilution: 1 well (A1) is diluted 2 times in the layout and 4 times in the file, whose "
        "concentrations hold that; correct one, or leave the layout's blank"
    ]
    laid, _ = apply_layout(wells(["A1", "A2"], dilution=[2.0, 1.0]), layout(DILUTED))
    assert laid["dilution"].iloc[0] == 2


@pytest.mark.parametrize(
    ("concentration", "expected", "applied"),
    [("instrument", 50.0, False), (None, np.nan, False), ("refit", np.nan, True), (None, 50.0, True)],
)
def test_a_dilution_that_the_file_does_not_state_meets_its_values_on_one_scale(concentration, expected, applied):
    printed = wells(
        ["A1", "A2"], type=["sample", "standard"], expected=[np.nan, expected], value=9.0, status="observed"
    )
    said = layout([*DILUTED[:2], ["A2", "S1", "standard", ""]])
    laid, remarks = apply_layout(printed, said, concentration=concentration)
    assert laid["dilution"].iloc[0] == 2 if applied else math.isnan(laid["dilution"].iloc[0])
    told = [remark for remark in remarks if remark.check == "layout_dilution"]
    assert [remark.severity for remark in told] == ["warning"]
    assert "dilutes 1 well (2 times)" in told[0].message
    # without printed values there is nothing to be on another scale
    laid, remarks = apply_layout(wells(["A1", "A2"]), layout(DILUTED), concentration=concentration)
    assert laid["dilution"].iloc[0] == 2
    assert "layout_dilution" not in {remark.check for remark in remarks}


def test_a_layout_fills_a_gap_among_the_files_own_dilutions():
    rows = [*DILUTED[:2], ["A2", "P2", "sample", "4"]]
    printed = wells(["A1", "A2"], dilution=[np.nan, 4.0], value=9.0, status="observed")
    laid, remarks = apply_layout(printed, layout(rows), concentration="instrument")
    assert laid["dilution"].tolist() == [2, 4]
    told = next(remark for remark in remarks if remark.check == "layout_dilution")
    assert "taken to hold it, as those of the plate's other wells do" in told.message


@pytest.mark.parametrize(
    ("names", "told"), [(("S2", "S1"), 1), (("S1", "S2"), 0), (("S0", "S1"), 0), (("top", "low"), 0)]
)
def test_standards_that_are_numbered_the_other_way_keep_the_files_concentrations(names, told):
    found = layout([["well", "sample", "type"], ["A1", names[0], "standard"], ["A2", names[1], "standard"]])
    of_file = wells(["A1", "A2"], type="standard", level=["Standard1", "Standard2"], expected=[100.0, 25.0])
    laid, remarks = apply_layout(of_file, found)
    assert laid["expected"].tolist() == [100, 25]
    assert laid["level"].tolist() == list(names)
    warned = [remark.message for remark in remarks if remark.check == "standards_renumbered"]
    assert len(warned) == told
    assert all("well A1: S2 and Standard1" in message for message in warned)


def test_a_concentration_that_may_be_in_thousands_is_refused():
    rows = [["well", "sample", "concentration"], ["A1", "top", "4.000"], ["A2", "next", "1.000"]]
    assert any("'4.000' may mean 4.000 or 4000; write it without a full stop" in line for line in refused(rows))
    assert layout([*rows, ["A3", "low", "0.25"]]).wells["expected"].tolist() == [4, 1, 0.25]


def test_pooled_wells_must_hold_one_thing():
    found = layout([["well", "sample"], ["A1", "P1"], ["A2", "P1"], ["A3", "P2"]])
    laid, _ = apply_layout(wells(["A1,A2"]), found)
    assert laid["written"].tolist() == ["P1"]
    with pytest.raises(Problems, match="pools hold different things in the layout: A2,A3"):
        apply_layout(wells(["A2,A3"]), found)


def test_wells_that_the_layout_does_not_have_are_named():
    found = layout([["well", "sample"], ["A1", "P1"]])
    with pytest.raises(Problems, match=r"does not have 2 wells of the plate: H11, \(no name\); list them"):
        apply_layout(wells(["A1", "H11", ""]), found)


@pytest.mark.parametrize(("written_as", "key"), [("a1", "A1"), ("A01", "A1"), (" H12 ", "H12"), ("P24", "P24")])
def test_spellings_of_a_well(written_as, key):
    assert well_key(written_as) == key


@requires_shared
def test_the_layout_of_a_real_serology_plate():
    path = shared_study("instrument_exports") / "serolyzer" / "IGG_CO_1_xponent_layout.xlsx"
    found = read_layout(Content("layout.xlsx", path.read_bytes())).wells
    assert found["type"].value_counts().to_dict() == {"": 84, "standard": 11, "blank": 1}
    assert found["dilution"].dropna().tolist() == [50.0 * 2**step for step in range(10)] + [102400.0]
    assert found["sample"].nunique() == 96


WHOLE = drawn(plate(A1="B", A2="1/50", A3="", C5="S1"), "Sample layout")
LISTED = [["well", "sample", "type", "dilution"]] + [
    [f"{letter}{number}", f"P-{letter}{number}", "sample", f"{number}.5"] for letter in "AB" for number in range(1, 9)
]


EXPECTED, EXPECTED_LIST = layout(WHOLE).wells, layout(LISTED).wells


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(spoilt(WHOLE))
def test_a_spoilt_drawing_says_the_same_or_is_refused(content):
    try:
        found = layout(content)
    except Problems as problems:
        assert all(line.startswith("layout.csv") for line in str(problems).splitlines())
        return
    assert found.wells.drop(columns="expected").equals(EXPECTED.drop(columns="expected"))


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(spoilt(LISTED))
def test_a_spoilt_list_says_a_part_of_the_same_or_is_refused(content):
    try:
        found = layout(content).wells
    except Problems as problems:
        assert all(line.startswith("layout.csv") for line in str(problems).splitlines())
        return
    assert set(found.index) <= set(EXPECTED_LIST.index)
    assert found.equals(EXPECTED_LIST.loc[found.index])
