"""What a Bio-Plex Manager export says, against files composed here and real ones with known answers."""

import numpy as np
import pandas as pd
import pytest

from bioplex_files import (
    BLANK,
    CURVES,
    HEADINGS,
    Sheet,
    analyte_sheets,
    concentration,
    kind_sheets,
    pooled_sheet,
    workbook,
    xml,
    xml_text,
)
from cytoshift.intake.instruments.bioplex import READER
from cytoshift.intake.instruments.bioplex_checks import check_background, check_recovery, recognise_cv_divisor
from cytoshift.intake.instruments.bioplex_curve import read_formula
from cytoshift.intake.instruments.bioplex_rows import merge_rows, typed_frame
from cytoshift.intake.instruments.bioplex_sheets import read_grids
from cytoshift.intake.instruments.bioplex_workbook import read_workbook_rows
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.readout import CURVE_COLUMNS, WELL_COLUMNS, Options
from cytoshift.study.problem import Problems
from shared_data import requires_shared, shared_data

IL6 = "Hu IL-6 (19)"


def read(content, **options):
    return READER.read(content, Options(**options))


def row(readout, well, analyte=IL6):
    found = readout.wells[(readout.wells["well"] == well) & (readout.wells["analyte"] == analyte)]
    assert len(found) == 1
    return found.iloc[0]


def remark(readout, check):
    found = [one for one in readout.remarks if one.check == check]
    assert len(found) == 1, [one.check for one in readout.remarks]
    return found[0]


def checks(readout):
    return {one.check for one in readout.remarks}


def problems(content, **options):
    with pytest.raises(Problems) as raised:
        read(content, **options)
    return str(raised.value)


def with_cell(sheets, sheet, well, heading, value):
    """Sheets with one cell of one well replaced."""
    rows = sheets[sheet].rows
    header = next(cells for cells in rows if "Well" in cells)
    for cells in rows:
        if len(cells) > 2 and cells[header.index("Well")] == well:
            cells[header.index(heading)] = value
    return sheets


def test_each_kind_of_well_is_read_as_what_it_holds():
    readout = read(workbook(analyte_sheets()))
    assert list(readout.wells.columns) == list(WELL_COLUMNS)
    assert list(readout.curves.columns) == list(CURVE_COLUMNS)
    assert len(readout.wells) == 22
    blank, standard, control, sample = (row(readout, well) for well in ("A1", "C1", "F1", "A2"))
    assert (blank["type"], blank["signal"], blank["status"], blank["reason"]) == (
        *("blank", 12.5, "missing", "a blank has no concentration"),
    )
    assert (standard["type"], standard["level"], standard["expected"], standard["dilution"]) == (
        "standard",
        "S1",
        1000,
        1,
    )
    assert (control["type"], control["level"], control["written"]) == ("control", "C1", "Control low")
    assert np.isnan(control["expected"])
    assert (sample["type"], sample["written"], sample["level"], sample["dilution"]) == ("sample", "P-01 V1", "", 4)
    assert (sample["signal"], sample["net_signal"], sample["beads"]) == (2512.5, 2512.5 - BLANK, 71)
    assert sample["value"] == pytest.approx(4 * concentration(IL6, 2500.0), abs=1e-5)
    assert (sample["source_row"], sample["source_column"]) == (14, f"{IL6}!Obs Conc")
    assert set(readout.wells["plate"]) == {"Plate 1"}
    assert readout.about == {
        "run_date": "25-Mar-2011, 04:12 PM",
        "pmt_target": "16357",
        "document": "pilot plate 1.rbx",
    }


def test_what_is_no_plain_number_stays_what_it_is():
    readout = read(workbook(analyte_sheets()))
    assert row(readout, "B2")["status"] == "extrapolated"
    below = row(readout, "C2")
    assert (below["status"], below["lower"], bool(below["open_limit"])) == ("below", 0, True)
    assert np.isnan(below["value"])
    unread = row(readout, "D2")
    assert unread["reason"] == "well not read (***); sampling error: low bead number"
    assert (unread["status"], unread["source_row"], unread["source_column"]) == ("missing", 17, f"{IL6}!FI")
    outlier = with_cell(with_cell(analyte_sheets(), 0, "C1", "FI", "---"), 0, "C1", "Obs Conc", "---")
    marked = row(read(workbook(outlier)), "C1")
    assert (marked["outlier"], marked["reason"], marked["status"]) == (True, "marked as an outlier (---)", "missing")


def test_the_stated_curve_is_the_one_behind_the_printed_concentrations():
    readout = read(workbook(analyte_sheets()))
    low, top, middle, slope, power = CURVES[IL6]
    stated = readout.curves.set_index("analyte").loc[IL6]
    assert tuple(stated[["a", "b", "c", "d", "g"]]) == (top, slope, middle, low, power)
    assert stated["on"] == "net"
    assert stated["written"].startswith("Logistic - 5PL: FI = 2.5 + (20000.5 - 2.5)")
    # S1…S3, C1 and five samples of two analytes, less one not read each and one below the curve's foot
    assert remark(readout, "stated_curve").numbers["agree"] == remark(readout, "stated_curve").numbers["rows"] == 15


FORMULAS = {
    "FI = -8.49859 + (20147.9 + 8.49859) / ((1 + (Conc / 409.762)^-0.738017))^1.4408": (
        *(20147.9, -0.738017, 409.762, -8.49859, 1.4408),
    ),
    "FI = 27,863 + (7268,64 - 27,863) / ((1 + (Conc / 101819)^-1,51961))^0,62292": (
        *(7268.64, -1.51961, 101819, 27.863, 0.62292),
    ),
    "FI = 48.6354 + (12224.4 - 48.6354) / (1 + (Conc / 915.213)^-1.26429)": (12224.4, -1.26429, 915.213, 48.6354, 1),
    "FI = -0.0047 + (2.16699E+007 + 0.0047) / ((1 + (Conc / 335.8)^-0.16))^10": (2.16699e7, -0.16, 335.8, -0.0047, 10),
}


@pytest.mark.parametrize(("text", "parameters"), FORMULAS.items())
def test_a_formula_gives_its_parameters(text, parameters):
    found = read_formula(text)
    assert (found.a, found.b, found.c, found.d, found.g) == parameters
    assert found.why == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("FI = 12.5 + 3.1 * Conc", "not a logistic curve"),
        ("FI = 2.5 + (100 - 3.5) / (1 + (Conc / 9)^-1)", "contradicts itself"),
        ("FI = 2.5 + (100,5 - 2.5) / (1 + (Conc / 9)^-1)", "decimal points and commas"),
        ("FI = 2 + (100 - 2) / (1 + (Conc / 0)^-1)", "not those of a curve"),
    ],
)
def test_another_formula_is_no_curve_and_says_why(text, why):
    assert why in read_formula(text).why
    sheets = analyte_sheets((IL6,))
    sheets[0].rows[-2] = [f"Std. Curve: {text}"]
    readout = read(workbook(sheets))
    assert readout.curves.empty
    assert why in remark(readout, "curve_unusable").message


@pytest.mark.parametrize("named_above", [True, False])
def test_all_analytes_together_give_the_numbers_of_one_sheet_each(named_above):
    together, apart = read(workbook(kind_sheets(named_above))), read(workbook(analyte_sheets()))
    columns = ["type", "level", "written", "signal", "net_signal", "beads", "dilution", "expected", "value", "status"]
    pd.testing.assert_frame_equal(
        together.wells.set_index(["analyte", "well"])[columns].sort_index(),
        apart.wells.set_index(["analyte", "well"])[columns].sort_index(),
    )
    assert row(together, "A2")["source_column"] == f"Obs Conc!{IL6}"
    assert row(together, "A2")["source_row"] == (13 if named_above else 12)


def test_tables_of_every_kind_may_stand_below_each_other():
    stacked = Sheet("Report", [["Plate ID: Plate 1"], ["RP1 Target: 1"], []])
    for sheet in kind_sheets(named_above=False):
        stacked.rows += [[sheet.name], *sheet.rows[4:-6], []]
    assert read(workbook([stacked])).wells["value"].equals(read(workbook(kind_sheets())).wells["value"])


def test_a_kind_that_is_absent_is_named():
    sheets = [sheet for sheet in kind_sheets() if sheet.name not in ("Obs Conc", "Dilution")]
    readout = read(workbook(sheets))
    assert {one.message for one in readout.remarks if one.check == "table_absent"} == {
        "the file has no table of Obs Conc",
        "the file has no table of Dilution",
    }
    assert (readout.wells["status"] == "missing").all()
    assert readout.wells.loc[readout.wells["type"] == "sample", "dilution"].isna().all()


def test_wells_and_analytes_that_one_kind_lacks_are_named():
    sheets = kind_sheets()
    assert sheets[2].name == "Obs Conc"
    sheets[2].rows = [cells[:4] for cells in sheets[2].rows if "X3" not in cells]
    readout = read(workbook(sheets))
    assert remark(readout, "analytes_absent").message.startswith("Obs Conc has no column for Hu IL-10 (56)")
    assert "X3 C2" in remark(readout, "wells_absent").message
    assert row(readout, "C2")["reason"] == "no concentration in the file"


def test_pooled_rows_do_not_count_twice():
    readout = read(workbook([pooled_sheet()]))
    assert list(readout.wells["well"]) == ["A1", "B1", "A2", "B2"]
    # mean of 110 and 114, SD 4/√2; %CV = 100 × 2.82843 / 112
    assert remark(readout, "pooled_rows").numbers == {
        "pooled_rows": 2, "single_wells": 4, "mean_agrees": 2, "sd_agrees": 2, "sd_compared": 2
    }  # fmt: skip
    assert list(readout.wells["reported_cv"]) == [5.65685, 5.65685, 2.52538, 2.52538]
    only = pooled_sheet()
    second = [place for place, cells in enumerate(only.rows) if cells == HEADINGS][1]
    only.rows[second : second + 5] = []
    assert list(read(workbook([only])).wells["well"]) == ["A1,B1", "A2,B2"]


def test_a_pooled_row_that_disagrees_or_has_a_well_without_a_row_is_told():
    sheet = pooled_sheet()
    sheet.rows = [cells for cells in sheet.rows if cells[2:3] != ["B2"]]
    readout = read(workbook([sheet]))
    assert remark(readout, "wells_absent").message.endswith("are absent: Hu IL-6 (19) B2")
    assert remark(readout, "pooled_rows").severity == "warning"
    assert remark(readout, "pooled_rows").numbers["mean_agrees"] == 1


def test_a_titration_typed_as_control_is_the_standard_series():
    sheets = analyte_sheets((IL6,))
    for cells in sheets[0].rows:
        if len(cells) > 13 and str(cells[1]).startswith("S"):
            cells[1], cells[3], cells[13] = f"C{cells[1][1:]}", "Standard1", 600.000024
        elif len(cells) > 13 and cells[1] == "C1":
            cells[1] = "C4"
    readout = read(workbook(sheets))
    standards = readout.wells[readout.wells["type"] == "standard"]
    assert list(standards["level"]) == ["C1", "C2", "C3"]
    assert set(standards["dilution"]) == {1.0}
    control = row(readout, "F1")
    assert (control["type"], control["level"], control["dilution"]) == ("control", "C4", 4)
    assert remark(readout, "controls_are_standards").numbers == {"rows": 3}


def test_a_description_that_one_analyte_lacks_is_that_of_the_same_well():
    sheets = with_cell(analyte_sheets(), 1, "A2", "Description", "")
    readout = read(workbook(sheets))
    assert row(readout, "A2", "Hu IL-10 (56)")["written"] == "P-01 V1"
    assert remark(readout, "descriptions_completed").numbers == {"rows": 1}


def test_a_number_that_is_blank_where_others_have_one_is_named():
    readout = read(workbook(with_cell(analyte_sheets(), 0, "A2", "FI", "")))
    assert (
        "FI is blank in 1 row though others of the type have it: X1 A2 Hu IL-6 (19)"
        in remark(readout, "numbers_absent").message
    )
    assert row(readout, "A2")["status"] == "observed"


def test_blank_beads_and_standards_of_another_plate_are_left_out():
    sheets = analyte_sheets()
    for cells in sheets[1].rows:
        if cells and cells[0] == "Hu IL-10 (56)":
            cells[0] = "Blank (3)"
    for cells in sheets[0].rows:
        if len(cells) > 2 and str(cells[1]).startswith("S"):
            cells[1] = f"e{cells[1]}"
    readout = read(workbook(sheets))
    assert set(readout.wells["analyte"]) == {IL6}
    assert remark(readout, "blank_bead").numbers["rows"] == 11
    assert remark(readout, "external_standards").numbers == {"rows": 3}
    assert not (readout.wells["type"] == "standard").any()
    assert list(readout.curves["analyte"]) == [IL6]


def test_arithmetic_that_does_not_hold_is_told():
    sheets = analyte_sheets()
    for cells in sheets[0].rows:
        if len(cells) > 5 and isinstance(cells[4], float):
            cells[5] = cells[4] - 5.0 if cells[1] != "B" else cells[5]
    readout = read(workbook(sheets))
    assert "in only 8 of 16 rows" in remark(readout, "background").message
    assert remark(readout, "stated_curve").severity == "warning"
    assert not {"background", "recovery"} & checks(read(workbook(analyte_sheets())))


SD, FI = np.array([2.0, 5.0, 1.5]), np.array([110.0, 250.0, 60.0])
NET = FI - 10


@pytest.mark.parametrize(
    ("cv", "answer"),
    [
        ([2.0, 2.08, 3.0], ("net", 3, 0)),  # 2/100, 5/240, 1.5/50
        ([1.82, 2.0, 2.5], ("raw", 0, 3)),  # 2/110, 5/250, 1.5/60
        ([2.0, 2.0, 9.9], ("", 1, 1)),
    ],
)
def test_the_divisor_of_cv_is_told_from_the_numbers(cv, answer):
    found = recognise_cv_divisor(SD, np.array(cv), FI, NET)
    assert (found.divisor, found.fits_net, found.fits_raw, found.rows) == (*answer, 3)


def test_a_signal_printed_as_zero_tells_nothing_of_the_divisor():
    found = recognise_cv_divisor(np.array([1.0]), np.array([0.0]), np.array([20.0]), np.array([0.0]))
    assert (found.divisor, found.rows) == ("", 0)


def test_german_numbers_as_text():
    sheets = analyte_sheets()
    for sheet in sheets:
        for place, cells in enumerate(sheet.rows):
            if len(cells) > 2 or (cells and "Std. Curve" in str(cells[0])):
                sheet.rows[place] = [
                    str(cell).replace(".", ",") if not isinstance(cell, str) or "Curve" in cell or "*" in cell else cell
                    for cell in cells
                ]
                if cells == HEADINGS:
                    sheet.rows[place] = HEADINGS
                sheet.rows[place][:1] = [cell.replace("Std, Curve", "Std. Curve") for cell in sheet.rows[place][:1]]
    german, plain = read(workbook(sheets)), read(workbook(analyte_sheets()))
    pd.testing.assert_frame_equal(german.wells, plain.wells)
    assert german.curves.drop(columns="written").equals(plain.curves.drop(columns="written"))


def test_a_number_that_may_be_two_is_refused_by_its_cell():
    sheets = with_cell(analyte_sheets(), 0, "A2", "Obs Conc", "1,234")
    said = problems(workbook(sheets))
    assert said.startswith("plate.xlsx: row 14, Hu IL-6 (19)!Obs Conc, well A2: '1,234' may mean 1234 or 1.234")


MISTAKES = {
    "type": (lambda s: with_cell(s, 0, "A2", "Type", "Q1"), "sheet 'Hu IL-6 (19)', row 14: Type 'Q1' is none of B, S1"),
    "well": (lambda s: with_cell(s, 0, "A2", "Well", "Z99"), "row 14: Well 'Z99' is no well"),
    "signal": (lambda s: with_cell(s, 0, "A2", "FI", "OOR <"), "'OOR <' is a bound or extrapolated; only Obs Conc"),
    "conflict": (
        lambda s: with_cell(s, 0, "B2", "Well", "A2"),
        "row 15, well A2, Hu IL-6 (19): type is X2 but X1 in sheet 'Hu IL-6 (19)', row 14",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_clear_line(name):
    change, line = MISTAKES[name]
    assert line in problems(workbook(change(analyte_sheets())))


def test_headers_that_are_absent_or_doubled_are_told():
    without = analyte_sheets()
    without[0].rows.remove(HEADINGS)
    assert "row 7: is a row of results without a header row above it" in problems(workbook(without))
    doubled = analyte_sheets()
    doubled[0].rows[6] = [*HEADINGS[:5], "FI", *HEADINGS[6:]]
    assert "has the column fi more than once" in problems(workbook(doubled))


def test_a_sheet_is_read_alone_where_the_study_file_names_it():
    assert set(read(workbook(analyte_sheets()), sheet=IL6).wells["analyte"]) == {IL6}
    assert "has no sheet 'Hu IL-6'; legal: Hu IL-6 (19), Hu IL-10 (56); did you mean" in problems(
        workbook(analyte_sheets()), sheet="Hu IL-6"
    )


PLAIN = [["Sample", "Well", "IL-6", "IL-10"], ["P-01 V1", "A1", 12.5, 3.5], ["P-02 V1", "B1", 2.5, 8.5]]
LONG = [["Sample", "Type", "Well", "Analyte", "MFI", "Concentration"], ["P-01 V1", "X1", "A1", "IL-6", 12.5, 3.5]]
WIDE = [["Type", "Well", "Description", "IL-6"], ["X1", "A1", "P-01 V1", 12.5]]


@pytest.mark.parametrize("rows", [PLAIN, LONG, WIDE])
def test_a_plain_table_is_not_claimed(rows):
    assert READER.sniff(workbook([Sheet("Sheet1", rows)])) == ""


def test_what_is_claimed_says_why():
    assert READER.sniff(workbook(analyte_sheets())).startswith("sheet 'Hu IL-6 (19)' has the columns Analyte, Type")
    assert "under the lines Bio-Plex Manager writes" in READER.sniff(workbook(kind_sheets()))
    assert READER.sniff(xml(xml_text())) == "XML of Bio-Plex Manager"
    assert READER.sniff(xml("<Workspace><Samples/></Workspace>")) == ""
    assert READER.sniff(Content("a.csv", b"Type,Well,FI,Obs Conc\nX1,A1,3,4\n")) == ""


def test_xml_is_read_well_by_well():
    readout = read(xml(xml_text()))
    assert readout.software == "Bio-Plex Manager 6.2.0.175"
    assert len(readout.wells) == 16
    sample, standard = row(readout, "D1", "IL-6"), row(readout, "B1", "IL-6")
    # background 10 is the mean of the two blanks of IL-6, 8 and 12
    assert (sample["signal"], sample["net_signal"], sample["value"], sample["beads"]) == (300, 290, 41.5, 60)
    assert (sample["written"], sample["dilution"], sample["unit"], sample["plate"]) == ("P-01 V1", 4, "pg/ml", "555")
    assert (standard["type"], standard["level"], standard["expected"], standard["dilution"]) == (
        "standard",
        "S1",
        150,
        1,
    )
    below = row(readout, "E1", "IL-6")
    assert (below["status"], below["lower"], bool(below["open_limit"])) == ("below", 0, True)
    assert remark(readout, "pooled_rows").numbers["mean_agrees"] == 8
    assert "Unable to calculate regression" in remark(readout, "curve_unusable").message
    assert remark(readout, "cv_divisor").numbers["divisor"] == "raw"


def test_xml_entries_without_readings_are_read_as_pooled_wells():
    text = xml_text()
    start = text.index("<MWAnalytes>")
    while start >= 0:
        end = text.index("</MWAnalytes>", start) + len("</MWAnalytes>")
        text = text[:start] + text[end:]
        start = text.find("<MWAnalytes>")
    readout = read(xml(text))
    assert list(readout.wells["well"].unique()) == ["A1,A2", "B1,B2", "D1,D2", "E1,E2"]
    assert row(readout, "D1,D2", "IL-6")["signal"] == 302


# ---- real files: counts from the data's README, excerpts compared by hand with the files


def real(folder, name):
    data = shared_data()
    assert data is not None
    file = data / "instrument_exports" / folder / name
    return Content(name, file.read_bytes())


def facts(content):
    """The typed rows of a workbook before any is left out."""
    rows, _, _ = merge_rows(read_workbook_rows(read_grids(content), content.path).rows, content.path)
    return typed_frame(rows, ".", content.path)[0]


@requires_shared
def test_real_27_plex_of_2007():
    content = real("labkey_bioplex", "10JAN07_plate_1.xls")
    readout = read(content)
    wells = readout.wells
    assert (len(wells), wells["analyte"].nunique(), len(readout.curves)) == (1296, 27, 27)
    samples = wells[wells["type"] == "sample"]
    assert len(samples) == 1053
    assert samples["status"].value_counts().to_dict() == {
        "observed": 441, "missing": 270, "extrapolated": 227, "below": 115
    }  # fmt: skip
    assert (samples.loc[samples["status"] == "missing", "reason"] == "well not read (***)").all()
    outliers = wells[wells["outlier"]]
    assert len(outliers) == 37
    assert set(outliers["type"]) == {"standard"}
    assert (wells.loc[wells["type"] == "standard", "status"] == "observed").sum() == 179
    curve = remark(readout, "stated_curve").numbers
    assert (curve["agree"], curve["rows"]) == (832, 846)
    assert curve["median_deviation"] == pytest.approx(1.9e-4, abs=5e-6)
    background = check_background(facts(content))
    assert (background.agree, background.rows) == (962, 962)
    assert (wells["net_signal"] < 0).sum() == 85
    # 962 rows have SD and CV, 5 of them a FI - Bkgd printed as 0.0
    cv = remark(readout, "cv_divisor").numbers
    assert (cv["divisor"], cv["fits_net"], cv["rows"]) == ("net", 948, 957)
    assert cv["fits_raw"] < 270
    assert "Project Template" in remark(readout, "sheets_not_read").message
    feet = readout.curves.set_index("analyte")["d"]
    below = samples[samples["status"] == "below"]
    assert (below["net_signal"].to_numpy() <= feet.reindex(below["analyte"]).to_numpy()).all()
    golden = {
        ("Hu IL-1b (32)", "A3,A4"): ("11027-01", 28.0, 19.5, 3.42, "extrapolated", 19),
        ("Hu IL-1ra (25)", "H5,H6"): ("11024-02", 42.0, 29.5, 145.9, "observed", 33),
        ("Hu IL-1ra (25)", "H1,H2"): ("S8", 13.5, 1.0, 1.98, "observed", 18),
    }
    for (analyte, well), expected in golden.items():
        found = row(readout, well, analyte)
        names = ["written", "signal", "net_signal", "value", "status", "source_row"]
        assert tuple(found[names]) == expected


@requires_shared
def test_real_workbook_with_a_blank_bead_and_a_titration_typed_as_control():
    content = real("labkey_bioplex", "WithBlankBead.xls")
    frame, readout = facts(content), read(content)
    assert frame["role"].value_counts().to_dict() == {"C": 66, "X": 48, "B": 6}
    assert frame["status"].value_counts().to_dict() == {
        "observed": 93, "below": 8, "above": 8, "missing": 6, "extrapolated": 5
    }  # fmt: skip
    background, recovery = check_background(frame), check_recovery(frame)
    assert (background.agree, background.rows) == (114, 114)
    assert (recovery.agree, recovery.rows) == (44, 44)
    curve = remark(readout, "stated_curve").numbers
    assert (curve["agree"], curve["rows"]) == (98, 98)
    assert curve["median_deviation"] == pytest.approx(1.3e-5, abs=5e-7)
    assert remark(readout, "controls_are_standards").numbers == {"rows": 60}
    assert remark(readout, "blank_bead").message == "Blank (3) is a blank bead, no analyte: its 40 rows are left out"
    wells = readout.wells
    assert wells["type"].value_counts().to_dict() == {"standard": 40, "sample": 32, "blank": 4, "control": 4}
    assert wells["beads"].min() == 100
    standard = row(readout, "C4", "MyAnalyte (1)")
    assert (standard["level"], standard["expected"], standard["value"], standard["dilution"]) == (
        *("C4", 2.31481, 2.37705, 1),
    )
    control, sample = row(readout, "C11", "MyAnalyte (1)"), row(readout, "A2", "MyAnalyte (1)")
    assert (control["type"], control["dilution"], control["value"]) == ("control", 500, 3.23436)
    assert (sample["written"], sample["dilution"], sample["value"]) == ("Sample 2", 20, 58.49918)


@requires_shared
def test_real_workbook_with_pooled_and_single_rows():
    content = real("labkey_bioplex", "RawAndSummary.xlsx")
    frame, readout = facts(content), read(content)
    assert (len(frame), int(frame["well"].str.contains(",").sum())) == (108, 36)
    assert len(readout.wells) == 72
    assert not readout.wells["well"].str.contains(",").any()
    assert frame["status"].value_counts().to_dict() == {
        "observed": 79, "below": 17, "missing": 9, "extrapolated": 3
    }  # fmt: skip
    cv = remark(readout, "cv_divisor").numbers
    assert (cv["divisor"], cv["fits_raw"], cv["rows"]) == ("raw", 33, 33)
    recovery = check_recovery(frame)
    assert (recovery.agree, recovery.rows) == (73, 73)
    curve = remark(readout, "stated_curve").numbers
    assert (curve["agree"], curve["rows"]) == (82, 82)
    assert remark(readout, "pooled_rows").numbers == {
        "pooled_rows": 36, "single_wells": 72, "mean_agrees": 36, "sd_agrees": 36, "sd_compared": 36
    }  # fmt: skip
    first = row(readout, "H1", "Analyte3")
    assert (first["signal"], first["value"], first["status"], first["beads"]) == (
        28121.5,
        473.32023,
        "extrapolated",
        120,
    )
    assert (first["source_row"], first["reported_cv"]) == (30, 1.18281)


@requires_shared
def test_real_xml():
    readout = read(real("allotropy", "bio-rad_bio-plex_manager_example_01.xml"))
    wells = readout.wells
    # 48 entries of two wells, 15 analytes
    assert (len(wells), wells["analyte"].nunique(), wells["well"].nunique()) == (1440, 15, 96)
    per_type = wells.groupby("type")["well"].nunique().to_dict()
    assert per_type == {"blank": 2, "standard": 22, "control": 8, "sample": 64}
    pooled = remark(readout, "pooled_rows").numbers
    assert (pooled["pooled_rows"], pooled["mean_agrees"], pooled["sd_agrees"]) == (720, 720, 720)
    assert "background" not in checks(readout)
    assert (wells.loc[wells["type"] != "blank", "reason"] == "Data field has not been set").all()
    assert (wells["status"] == "missing").all()
    assert remark(readout, "curve_unusable").numbers == {"analytes": 15}
    assert remark(readout, "expected_unset").numbers["analytes"] == 15
    # bead regions are detailed for 8 wells, each with the 15 regions in use
    assert wells.loc[wells["beads"].notna(), "well"].nunique() == 8
    alpha = row(readout, "C1", "alpha")
    assert (alpha["level"], alpha["signal"], alpha["net_signal"]) == ("C1", 291.0, 291.0 - 62.0)
    assert row(readout, "A1", "delta")["beads"] == 60


@requires_shared
@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("xponent", "plate1.csv"),
        ("serolyzer", "IGG_CO_1_xponent.csv"),
        ("serolyzer", "IGG_CO_1_xponent_layout.xlsx"),
        ("allotropy", "test_msd_workbench_xlsx.xlsx"),
        ("allotropy", "SLA01P01_ELISA.xlsx"),
        ("allotropy", "flowjo_example_2.wsp"),
        ("allotropy", "luminex_intelliflex_v2_2.csv"),
        ("beadplexr", "K2-C07-A7.fcs"),
    ],
)
def test_files_of_other_instruments_are_not_claimed(folder, name):
    assert READER.sniff(real(folder, name)) == ""
