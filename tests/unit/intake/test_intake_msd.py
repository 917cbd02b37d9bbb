"""MSD Discovery Workbench and Methodical Mind: what their files say."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytoshift.intake.instruments import legendplex, msd, nulisa, olink
from cytoshift.intake.instruments.formats import read_instrument
from cytoshift.intake.instruments.readout import Options
from cytoshift.study.problem import Problems
from shared_data import requires_shared, shared_study
from vendor_files import MSD_HEADER, as_text, as_workbook, content, methodical, msd_rows

PLAIN = Options()


def real(name, added=b""):
    return content((shared_study("instrument_exports") / "allotropy" / name).read_bytes() + added, name)


def numbers(readout, check):
    return next(remark.numbers for remark in readout.remarks if remark.check == check)


def refused(raw, options=PLAIN):
    with pytest.raises(Problems) as problems:
        read_instrument(content(raw), "msd", options)
    return str(problems.value)


def replaced(rows, row, column, cell):
    return [[cell if (r, c) == (row, column) else old for c, old in enumerate(cells)] for r, cells in enumerate(rows)]


@requires_shared
def test_workbench_1_is_refused_since_its_last_line_has_no_end():
    assert "last line: has no line end, so the file may have been cut off" in refused(
        real("msd_workbench_test_1.csv").raw
    )


@requires_shared
def test_workbench_1_with_its_line_end_gives_four_standards_above_the_range():
    wells = msd.read(real("msd_workbench_test_1.csv", b"\n"), PLAIN).wells
    assert wells["analyte"].tolist() == ["Spike (FL.1.5.1)"] * 2 + ["Spike (Wuhan)"] * 2
    assert wells["plate"].unique().tolist() == ["Plate_2BO40AW287"]
    assert wells["well"].tolist() == ["A2", "A1", "A2", "A1"]
    assert wells["status"].tolist() == ["extrapolated"] * 3 + ["above"]
    np.testing.assert_array_equal(wells["value"], [53.20256476, 55.0941022, 498.3224409, math.nan])
    np.testing.assert_array_equal(wells["signal"], [3513, 3328, 341, 315])
    np.testing.assert_array_equal(wells["expected"], [54.2, 54.2, 331, 331])
    np.testing.assert_array_equal(wells["reported_recovery"], [98.15971358, 101.6496351, 150.5505864, math.nan])
    last = wells.iloc[3]
    assert last["open_limit"] and last["upper"] == math.inf and math.isnan(last["lower"])
    assert last["reason"] == "Above Fit Curve Range" and last["source_row"] == 6


@requires_shared
def test_workbench_2_reproduces_its_means_but_not_its_invented_cvs():
    readout = msd.read(real("msd_workbench_test_2.csv"), PLAIN)
    wells = readout.wells
    assert len(wells) == 48 and wells["written"].nunique() == 24
    assert wells.groupby("type")["written"].nunique().to_dict() == {"blank": 1, "sample": 16, "standard": 7}
    assert numbers(readout, "signal_means") == {"agree": 24.0, "of": 24.0}
    assert numbers(readout, "concentration_means") == {"agree": 23.0, "of": 23.0}
    assert numbers(readout, "signal_cvs") == {"agree": 2.0, "of": 24.0}
    lowest = wells[wells["written"] == "S008"]
    assert lowest["status"].tolist() == ["missing"] * 2 and lowest["reason"].unique().tolist() == ["NaN in the file"]
    assert lowest["expected"].tolist() == [0.0, 0.0] and lowest["source_row"].tolist() == [47, 48]


@requires_shared
def test_workbench_xlsx_is_read_from_the_sheet_that_has_the_table():
    readout = msd.read(real("test_msd_workbench_xlsx.xlsx"), PLAIN)
    wells = readout.wells
    assert wells["status"].value_counts().to_dict() == {"missing": 16, "observed": 8}
    assert wells["plate"].unique().tolist() == ["Plate_TEST_PLATE_001"]
    assert wells["value"].iloc[:2].tolist() == [2038.74, 1030.18]
    assert wells["source_column"].iloc[0] == "Workbench data!Calc. Concentration"
    assert wells["source_column"].iloc[8] == "Workbench data!Signal" and wells["source_row"].iloc[0] == 3
    assert any("sheet 'Workbench data' was read" in remark.message for remark in readout.remarks)


@requires_shared
def test_methodical_mind_gives_both_plates_of_the_stack():
    readout = msd.read(real("methodical_test_1.txt"), PLAIN)
    wells = readout.wells
    means = wells.groupby("plate")["signal"].mean()
    assert round(means["22M0TALA85N"], 1) == 2168.2 and round(means["22M0TAQA86T"]) == 3991
    assert len(wells) == 192 and set(wells["written"]) == {""} and set(wells["status"]) == {"missing"}
    first = wells[wells["plate"] == "22M0TALA85N"].set_index("well")["signal"]
    assert first[["A1", "A12", "C9", "H12"]].tolist() == [12895, 71, 10160, 997]


@requires_shared
@pytest.mark.parametrize("name", ["msd_workbench_test_2.csv", "methodical_test_1.txt", "test_msd_workbench_xlsx.xlsx"])
def test_no_other_vendor_claims_msd_files(name):
    assert msd.sniff(real(name))
    assert [reader.sniff(real(name)) for reader in (olink, nulisa, legendplex)] == ["", "", ""]


def test_the_words_for_the_range_decide_what_a_concentration_is():
    wells = msd.read(content(as_text(msd_rows())), PLAIN).wells.iloc[:8].set_index("written")
    assert wells["status"].to_dict() == {
        "S001": "observed", "S002": "observed", "S008": "below", "C1": "observed", "Anna V1": "observed",
        "Anna V2": "extrapolated", "Bo V1": "below", "Bo V2": "above",
    }  # fmt: skip
    assert wells["type"].tolist() == ["standard", "standard", "blank", "control", *["sample"] * 4]
    assert (
        wells.loc["Bo V1", "open_limit"] and wells.loc["Bo V1", "lower"] == 0 and np.isnan(wells.loc["Bo V1", "upper"])
    )
    assert wells.loc["Anna V2", "value"] == 0.0625 and wells.loc["Anna V2", "dilution"] == 2


def test_two_plates_in_one_file_keep_their_names_and_numbers():
    wells = msd.read(content(as_text(msd_rows(("1A", "2B")))), PLAIN).wells
    signals = wells[(wells["written"] == "Anna V1") & (wells["analyte"] == "IL-6")].set_index("plate")["signal"]
    assert signals.to_dict() == {"Plate_1A": 755.5, "Plate_2B": 1133.25}


@pytest.mark.parametrize(
    ("row", "column", "cell", "line"),
    [
        (4, 7, "13,555", "row 5, column 'Signal': '13,555' may mean 13555 or 13.555"),
        (4, 7, "13O55", "row 5, column 'Signal': '13O55' is not a number: the letter O"),
        (6, 11, "35.5 pg/mL", "row 7, column 'Calc. Concentration': '35.5 pg/mL' holds a unit"),
    ],
)
def test_a_cell_that_is_no_number_is_named(row, column, cell, line):
    assert line in refused(as_text(replaced(msd_rows(), row, column, cell)))


def test_decimal_commas_without_quotes_are_refused_since_rows_get_longer():
    rows = [row if at < 2 else [cell.replace(".", ",") for cell in row] for at, row in enumerate(msd_rows())]
    raw = "\n".join(",".join(row) for row in rows) + "\n"
    assert "row 3: has 18 fields where the header has 13" in refused(raw)


def test_a_second_header_without_a_plate_is_refused():
    rows = msd_rows(("1A", "2B"))
    del rows[18]
    assert "row 19: is a second header with no plate named above it" in refused(as_text(rows))


def test_one_well_with_two_signals_is_refused_and_a_repeated_line_is_not():
    rows = msd_rows()
    assert "row 19: row 4 has other values for the same plate Plate_1A, Well B1, Assay IL-6" in refused(
        as_text([*rows, *replaced([rows[3]], 0, 7, "99")])
    )
    again = msd.read(content(as_text([*rows, rows[3]])), PLAIN)
    assert len(again.wells) == 16
    assert numbers(again, "repeated_lines") == {"rows": 1.0}


def test_two_columns_of_one_meaning_are_refused():
    rows = [[*row, row[11]] for row in msd_rows()]
    assert "columns 'Calc. Concentration' and 'Calc. Concentration' say the same" in refused(as_text(rows))


def test_a_file_without_the_column_of_concentrations_says_so():
    at = MSD_HEADER.index("Calc. Concentration")
    readout = msd.read(content(as_text([row[:at] + row[at + 1 :] for row in msd_rows()])), PLAIN)
    assert readout.wells["value"].isna().all() and readout.wells["signal"].notna().all()
    assert "no Calc. Concentration column: signals only" in [remark.message for remark in readout.remarks]
    assert set(readout.wells["source_column"]) == {"Signal"}


def test_limits_exclusions_and_names_of_plates_may_stand_in_columns():
    limits = ["Detection Limits: Calc. Low", "Detection Limits: Calc. High"]
    header = ["Plate Name", *MSD_HEADER, "Excluded", *limits]
    body = [["P9", *row, "Yes" if row[0] == "Bo V1" else "No", "0.5", "2000"] for row in msd_rows()[2:]]
    wells = msd.read(content(as_text([["Experiment Data Table"], header, *body])), PLAIN).wells
    assert (
        set(wells["plate"]) == {"P9"} and set(wells["column_lower"]) == {0.5} and set(wells["column_upper"]) == {2000}
    )
    assert wells.loc[wells["outlier"], "written"].unique().tolist() == ["Bo V1"]


@pytest.mark.parametrize(
    ("name", "expected", "kind"),
    [("S001", "", "sample"), ("S001", "100", "standard"), ("S008", "0", "blank"), ("QC 1", "5", "control"),
     ("U001", "", "sample"), ("Anna", "0", "sample"), ("Blank", "", "blank")],
)  # fmt: skip
def test_names_and_expected_concentrations_say_what_a_well_holds(name, expected, kind):
    rows = msd_rows()[:3]
    rows[2][0], rows[2][6] = name, expected
    well = msd.read(content(as_text(rows)), PLAIN).wells.iloc[0]
    assert well["type"] == kind and (well["level"] == name) == (kind != "sample")


def test_two_sheets_with_a_table_need_a_choice():
    book = as_workbook({"Plate 1": msd_rows(), "Plate 2": msd_rows(("2B",))})
    assert "sheets 'Plate 1', 'Plate 2' each hold" in refused(book)
    assert len(msd.read(content(book), Options(sheet="Plate 2")).wells) == 16
    assert "has no sheet 'Plate 3'; legal: Plate 1, Plate 2; did you mean" in refused(book, Options(sheet="Plate 3"))


def test_spots_of_methodical_mind_stand_for_analytes():
    wells = msd.read(content(methodical(1, 2)), PLAIN).wells.set_index(["well", "analyte"])["signal"]
    assert wells["B3", "Spot 2"] == 1112 and wells["A1", "Spot 1"] == 1000 and len(wells) == 12


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("Average  :\t 1051\t 1056\t", "Average  :\t 1051\t 1156\t", "is 1056.0 where the reader says 1156"),
        ("Wells Per Col :\t2", "Wells Per Col :\t3", "where 3 rows × 2 spots are announced"),
        ("1010  ", "1,01  ", "'1,01' is not a number"),
        ("==========Statistics", "", "Statistics"),
    ],
)
def test_methodical_mind_files_that_changed_are_refused(old, new, line):
    text = methodical(1, 2)
    assert old in text
    assert line in refused(text.replace(old, new))


def test_methodical_mind_files_that_end_early_are_refused():
    text = methodical(2)
    assert "no line end" in refused(text[:-1].rstrip())
    before = text.index("==========Statistics", text.index("Plate #  :\t2"))
    assert "plate P2N has no ====Statistics==== section: the file is cut off" in refused(text[:before])


GROUPING = st.integers(1_000, 999_999).map(lambda number: f"{number:,}".replace(",", "."))


@settings(max_examples=25, deadline=None)
@given(st.lists(GROUPING, min_size=1, max_size=3))
def test_signals_with_thousands_in_groups_are_never_read_as_decimals(cells):
    at = MSD_HEADER.index("Signal")
    whole = {"Signal", "Concentration", "Dilution"}
    rows = [MSD_HEADER]
    for place, row in enumerate(msd_rows()[1:]):
        plain = [cell if name in whole or "." not in cell else "" for name, cell in zip(MSD_HEADER, row, strict=True)]
        plain = [
            cell.partition(".")[0] if name in whole else cell for name, cell in zip(MSD_HEADER, plain, strict=True)
        ]
        rows.append([cells[place % len(cells)] if column == at else cell for column, cell in enumerate(plain)])
    said = refused(as_text(rows, ";"))
    assert f"column 'Signal': '{cells[0]}' may mean {cells[0]} or {cells[0].replace('.', '')}" in said


def test_a_spot_of_methodical_mind_with_thousands_in_groups_is_refused():
    with pytest.raises(Problems, match=r"'4\.000' may mean 4\.000 or 4000"):
        read_instrument(content(methodical().replace("1001", "4.000", 1)), "msd", PLAIN)
