"""LEGENDplex: bead codes make a table known, C0 to C7 are standards, bounds stay bounds."""

import math

import pytest

from cytoshift.intake.instruments import legendplex, msd, nulisa, olink
from cytoshift.intake.instruments.formats import read_instrument
from cytoshift.intake.instruments.readout import Options
from cytoshift.study.problem import Problems
from vendor_files import as_text, as_workbook, content, legendplex_rows

PLAIN = Options()


def read(rows, separator=","):
    return legendplex.read(content(as_text(rows, separator)), PLAIN)


def refused(raw):
    with pytest.raises(Problems) as problems:
        read_instrument(content(raw), "legendplex", PLAIN)
    return str(problems.value)


def test_every_well_is_read_with_its_bounds_units_and_limits():
    wells = read(legendplex_rows()).wells
    assert len(wells) == 36 and set(wells["unit"]) == {"pg/mL"} and wells["analyte"].unique().tolist() == [
        "IL-6", "TNF-α", "IL-1β",
    ]  # fmt: skip
    anna = wells[wells["written"] == "Anna V2"].set_index("analyte")
    assert anna["status"].tolist() == ["above", "observed", "missing"]
    assert (anna.loc["IL-6", "lower"], anna.loc["IL-6", "upper"]) == (10000, math.inf)
    assert anna.loc["IL-1β", "reason"] == "ND in the file" and anna.loc["TNF-α", "value"] == 88.25
    bo = wells[wells["written"] == "Bo V1"].set_index("analyte")
    assert (bo.loc["IL-6", "lower"], bo.loc["IL-6", "upper"], bo.loc["IL-6", "status"]) == (0, 2.44, "below")
    assert wells["column_lower"].iloc[:3].tolist() == [2.44, 1.17, 0.5]
    assert anna["source_column"].tolist() == ["IL-6 (A10)", "TNF-α (B2)", "IL-1β (A4)"]
    assert anna["source_row"].unique().tolist() == [12] and anna["dilution"].unique().tolist() == [2.0]


def test_standards_are_told_from_samples_by_the_whole_series():
    wells = read(legendplex_rows()).wells.drop_duplicates("written").set_index("written")
    assert wells.loc["C0", "type"] == "blank" and wells.loc["C7", "type"] == "standard"
    assert wells.loc["C7", "level"] == "C7" and wells.loc["Anna V1", "type"] == "sample"
    few = read([row for row in legendplex_rows() if row[1] not in {f"C{level}" for level in range(2, 8)}]).wells
    assert set(few["type"]) == {"sample"}


@pytest.mark.parametrize(
    ("header", "unit", "name"),
    [
        ("A4: IL-1β", "", "IL-1β"),
        ("IL-1β (A4) (pg/mL)", "pg/mL", "IL-1β"),
        ("IL-12 (p70) (B9) [ng/mL]", "ng/mL", "IL-12 (p70)"),
        ("A4_IL-1β pg/mL", "pg/mL", "IL-1β"),
    ],
)
def test_names_of_analytes_stand_before_or_after_the_bead(header, unit, name):
    rows = [row for row in legendplex_rows() if row[1] != ""]
    rows[0] = [*rows[0][:-1], header]
    wells = read(rows).wells
    assert wells["analyte"].iloc[2] == name and wells["unit"].iloc[2] == unit
    assert wells["value"].iloc[2] == 0.75


def test_columns_of_mfi_are_signals():
    rows = [[*row, "8123.5"] for row in legendplex_rows() if row[1] != ""]
    rows[0][-1] = "IL-6 (A10) MFI"
    wells = read(rows).wells
    assert wells[wells["analyte"] == "IL-6"]["signal"].unique().tolist() == [8123.5] and len(wells) == 36


def test_text_with_decimal_commas_and_workbooks_say_the_same():
    expected = read(legendplex_rows()).wells
    with_commas = [row if place == 0 else [cell.replace(".", ",") for cell in row]
                   for place, row in enumerate(legendplex_rows())]  # fmt: skip
    assert read(with_commas, ";").wells.equals(expected)
    book = content(as_workbook({"Results": legendplex_rows()}))
    in_book = legendplex.read(book, PLAIN).wells
    assert in_book["source_column"].iloc[0] == "Results!IL-6 (A10)"
    assert in_book.assign(source_column=expected["source_column"]).equals(expected)


def test_without_wells_rows_of_one_name_are_replicates_and_said_so():
    rows = [row[1:] for row in legendplex_rows()]
    rows.insert(11, [*rows[10][:2], "13.5", "<1.17", "3.75"])
    readout = read(rows)
    assert readout.wells[readout.wells["written"] == "Anna V1"].groupby("analyte").size().unique().tolist() == [2]
    assert any("taken for replicates: Anna V1" in remark.message for remark in readout.remarks)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            lambda rows: [*rows, ["B1", "Anna V1", "2", "1", "2", "3"]],
            "row 16: row 11 has other values for the same Well",
        ),
        (
            lambda rows: [*rows, ["B5", "X", "2", "1,5", "2", "high"]],
            "column 'concentration': '1,5' has a decimal comma",
        ),
        (lambda rows: [*rows, ["", "", "", "ng/mL", "pg/mL", "pg/mL"]], "has other units than row 2"),
        (lambda rows: [*rows, [*rows[0][:-1], "IL-2 (A5)"]], "row 16: is a second header"),
        (lambda rows: [*rows, ["B5", "X", "2"]], "row 16: has 3 fields where the header has 6"),
        (lambda rows: rows[:1], "and no rows"),
    ],
)
def test_tables_that_say_two_things_or_none_are_refused(change, line):
    assert line in refused(as_text(change(legendplex_rows())))


def test_a_file_that_ends_early_is_refused():
    assert "has no line end" in refused(as_text(legendplex_rows())[:-2])


def test_only_legendplex_claims_its_files_and_no_plain_table():
    file = content(as_text(legendplex_rows()))
    assert legendplex.sniff(file)
    assert [reader.sniff(file) for reader in (msd, olink, nulisa)] == ["", "", ""]
    assert legendplex.sniff(content("Sample,IL-6,TNF-α\nA,1,2\n")) == ""


GROUPED = [
    ["Name", "Well", "IL-6 (A10) pg/mL", "TNF-α (B2) pg/mL"],
    ["P1", "A1", "<1.500", "3"],
    ["P2", "B1", "12.345", "4"],
]


def test_full_stops_that_may_group_thousands_are_for_a_person_to_decide():
    raw = as_text(GROUPED, ";")
    line = "row 2, column 'concentration': '<1.500' may mean <1.500 or <1500; declare decimal: \".\""
    assert line in refused(raw)
    declared = legendplex.read(content(raw), Options(decimal=".")).wells
    assert declared["value"].dropna().tolist() == [3, 12.345, 4]
    assert declared["upper"].iloc[0] == 1.5
    shown = [*GROUPED, ["P3", "C1", "0.5", "5"]]
    assert legendplex.read(content(as_text(shown, ";")), PLAIN).wells["value"].dropna().tolist() == [
        3,
        12.345,
        4,
        0.5,
        5,
    ]
