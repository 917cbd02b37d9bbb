"""Olink: NPX are logarithms and stay so; concentrations have limits; controls are no samples."""

import numpy as np
import pandas as pd
import pytest

from cytoshift.intake.instruments import legendplex, msd, nulisa, olink
from cytoshift.intake.instruments.formats import read_instrument
from cytoshift.intake.instruments.readout import Options
from cytoshift.study.problem import Problems
from vendor_files import OLINK_HEADER, as_parquet, as_text, as_workbook, content, olink_rows, olink_wide

PLAIN = Options()
QUANTIFIED = [*OLINK_HEADER[:-1], "PlateLOD", "ULOQ", "Quantified_value", "Unit"]


def long(rows, separator=";"):
    return content(as_text(rows, separator))


def messages(readout, check):
    return [remark.message for remark in readout.remarks if remark.check == check]


def refused(raw, options=PLAIN):
    with pytest.raises(Problems) as problems:
        read_instrument(raw, "olink", options)
    return str(problems.value)


def quantified(units=("pg/mL", "pg/mL", "pg/mL"), values=("0.5", "12.25", "900")):
    rows = [list(QUANTIFIED)]
    for number, (unit, value) in enumerate(zip(units, values, strict=True)):
        rows.append([*olink_rows()[1 + number][:-1], "2.5", "400", value, unit])
    return rows


def test_npx_are_read_as_they_are_with_their_lod_beside():
    readout = olink.read(long(olink_rows()), PLAIN)
    wells = readout.wells
    assert set(wells["unit"]) == {"NPX"} and set(wells["status"]) == {"observed"}
    np.testing.assert_array_equal(wells["value"], np.round(np.linspace(-1.375, 9.25, 30), 4))
    assert wells["lower"].equals(wells["value"]) and wells["column_lower"].iloc[:3].tolist() == [0.5, 1.0, 1.5]
    assert messages(readout, "under_limit") == [
        "6 of 30 values lie under their LOD; kept as they are, which the vendor advises"
    ]
    assert wells[wells["written"] == "Neg Ctrl"]["type"].unique().tolist() == ["blank"]


def test_quality_warnings_are_kept_beside_the_values_and_counted_per_plate():
    readout = olink.read(long(olink_rows()), PLAIN)
    flagged = readout.wells[readout.wells["reason"] != ""]
    assert flagged["written"].unique().tolist() == ["B2 P1"]
    assert flagged["reason"].unique().tolist() == ["QC_Warning Warning"]
    assert messages(readout, "sample_quality") == [
        "plate P1: 1 sample did not pass QC_Warning: B2 P1; kept and flagged"
    ]


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_parquet_and_workbooks_say_the_same_as_text(kind):
    expected = olink.read(long(olink_rows()), PLAIN).wells
    parquet = content(as_parquet(olink_rows(), ("LOD", "NPX", "Index"), kind))
    typed = [olink_rows()[0], *[[*row[:-2], float(row[-2]), float(row[-1])] for row in olink_rows()[1:]]]
    book = content(as_workbook({"Info": [["Olink"]], "NPX Data": typed}))
    pd.testing.assert_frame_equal(olink.read(parquet, PLAIN).wells, expected)
    in_book = olink.read(book, PLAIN)
    pd.testing.assert_frame_equal(in_book.wells.assign(source_column="NPX"), expected)
    assert "sheet 'NPX Data' was read" in messages(in_book, "sheet_read")[0]


def test_decimal_commas_are_the_same_numbers():
    expected = olink.read(long(olink_rows()), PLAIN).wells
    pd.testing.assert_frame_equal(olink.read(long(olink_rows(",")), PLAIN).wells, expected)


def test_controls_of_the_method_are_left_out_and_sample_types_are_believed():
    rows = [[*olink_rows()[0], "SampleType", "AssayType"]]
    kinds = {"A1": "SAMPLE", "A2": "PLATE_CONTROL", "B1": "NEGATIVE_CONTROL", "B2": "SAMPLE", "Neg Ctrl": "SAMPLE"}
    for row in olink_rows()[1:]:
        name = row[0].removesuffix(" P1").removesuffix(" P2")
        rows.append([*row, kinds[name], "inc_ctrl" if row[4] == "CXCL8" else "assay"])
    readout = olink.read(long(rows), PLAIN)
    types = readout.wells.drop_duplicates("written").set_index("written")["type"]
    assert types[["A1 P1", "A2 P1", "B1 P1", "Neg Ctrl"]].tolist() == ["sample", "control", "blank", "sample"]
    assert set(readout.wells["analyte"]) == {"IL6", "TNF"}
    assert messages(readout, "internal_controls") == ["CXCL8 are controls of the method, no proteins; left out"]


def test_a_long_file_is_read_alike_with_and_without_quotation_marks():
    rows = olink_rows()
    rows[1][4] = rows[4][4] = 'IL6 "long"'
    quoted = olink.read(long(rows), PLAIN).wells
    rows[1][4] = rows[4][4] = "IL6 long"
    plain = olink.read(long(rows), PLAIN).wells
    named = plain["analyte"].str.replace("IL6 long", 'IL6 "long"')
    pd.testing.assert_frame_equal(quoted, plain.assign(analyte=named))


def test_a_gap_has_a_reason():
    rows = olink_rows()
    rows[1][-1], rows[2][-1] = "", "NaN"
    wells = olink.read(long(rows), PLAIN).wells
    assert wells["status"].iloc[:3].tolist() == ["missing", "missing", "observed"]
    assert wells["reason"].iloc[:2].tolist() == ["no NPX in the file", "NaN in the file"]


def test_concentrations_outside_their_limits_were_extrapolated():
    wells = olink.read(long(quantified()), PLAIN).wells
    assert wells["status"].tolist() == ["extrapolated", "observed", "extrapolated"]
    assert wells["value"].tolist() == [0.5, 12.25, 900] and set(wells["unit"]) == {"pg/mL"}
    assert wells["column_upper"].tolist() == [400.0] * 3 and wells["column_lower"].tolist() == [2.5] * 3


def test_npx_beside_concentrations_need_a_choice():
    rows = quantified()
    both = [[*row, npx] for row, npx in zip(rows, ["NPX", "1.5", "2.5", "3.5"], strict=True)]
    assert "holds 'NPX' and 'Quantified_value'; say which is meant with `unit`: NPX or" in refused(long(both))
    assert olink.read(long(both), Options(unit="NPX")).wells["value"].tolist() == [1.5, 2.5, 3.5]
    assert olink.read(long(both), Options(unit="pg/mL")).wells["value"].tolist() == [0.5, 12.25, 900]


def test_two_units_need_a_choice_and_the_others_are_counted():
    mixed = long(quantified(units=("pg/mL", "ng/mL", "pg/mL")))
    assert "holds values in pg/mL, ng/mL; one source has one unit" in refused(mixed)
    readout = olink.read(mixed, Options(unit="pg / ml"))
    assert readout.wells["value"].tolist() == [0.5, 900]
    assert messages(readout, "other_unit") == ["1 row in ng/mL left out: the study file asks for pg / ml"]


def test_a_protein_of_two_panels_is_two_features():
    rows = olink_rows()
    extra = [[*row[:2], "OID20999", *row[3:6], "Oncology", *row[7:]] for row in rows[1:] if row[4] == "IL6"]
    readout = olink.read(long([*rows, *extra]), PLAIN)
    assert set(readout.wells["analyte"]) == {"IL6 (Inflammation)", "IL6 (Oncology)", "TNF", "CXCL8"}
    assert "more than one assay measures IL6" in messages(readout, "assays_share_a_name")[0]


def test_a_sample_with_two_values_is_refused_and_an_absent_one_is_named():
    rows = olink_rows()
    other = [*rows[4][:-1], "99"]
    assert "row 32: row 5 has other values for the same SampleID A2 P1, OlinkID OID20001" in refused(
        long([*rows, other])
    )
    readout = olink.read(long(rows[:7] + rows[8:]), PLAIN)
    assert messages(readout, "incomplete_grid") == ["1 value absent that others of the plate have: B1 P1 (1)"]


def test_the_wide_table_is_read_panel_by_panel():
    readout = olink.read(content(as_workbook({"NPX Data": olink_wide()})), PLAIN)
    wells = readout.wells
    assert len(wells) == 16 and wells["written"].unique().tolist() == ["A1", "A2", "B1", "IPC"]
    second = wells[(wells["written"] == "A2")]
    assert second["value"].tolist() == [4.25, 4.75, 5.25, 5.75] and second["column_lower"].tolist() == [
        1.5,
        1.5,
        2.5,
        1.5,
    ]
    assert second["plate"].unique().tolist() == ["Plate 1"] and second["source_row"].unique().tolist() == [9]
    assert second["reason"].tolist() == ["QC Warning Warning"] * 2 + [""] * 2
    assert second["source_column"].iloc[3] == "NPX Data!FGF2 OID00777"
    assert wells[wells["written"] == "IPC"]["type"].unique().tolist() == ["control"]


def test_limits_of_the_wide_table_belong_to_the_plate_they_name():
    wells = olink.read(content(as_workbook({"Q": olink_wide("Quantified data")})), PLAIN).wells
    assert wells.groupby("plate")["column_lower"].unique().map(list).to_dict() == {"Plate 1": [1.5], "Plate 2": [2.5]}
    assert set(wells["unit"]) == {"pg/mL"} and set(wells["column_upper"]) == {9.0}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda rows: [["x", *row[1:]] if row[0] == "NPX data" else row for row in rows], "neither 'NPX data' nor"),
        (lambda rows: [*rows[:8], ["A2", *[9.5] * 4, *rows[8][5:]], *rows[8:]], "other values for sample 'A2'"),
        (lambda rows: [*rows[:5], rows[8], *rows[5:8], *rows[9:]], "row 6: stands above the row OlinkID"),
        (lambda rows: [[*row[:1], "1.2.3", *row[2:]] if row[0] == "B1" else row for row in rows], "decimal sign"),
    ],
)
def test_a_wide_table_that_changed_is_refused(change, line):
    assert line in refused(content(as_workbook({"NPX Data": change(olink_wide())})))


def test_a_file_that_ends_early_is_refused():
    assert "has no line end" in refused(content(as_text(olink_rows(), ";")[:-4]))
    assert "has no table with the columns SampleID" in refused(content(as_parquet(olink_rows(), ("NPX",))[:-9]))


def test_only_olink_claims_its_files():
    for raw in (as_text(olink_rows(), ";"), as_parquet(olink_rows(), ("NPX",)), as_workbook({"a": olink_wide()})):
        assert olink.sniff(content(raw))
        assert [reader.sniff(content(raw)) for reader in (msd, nulisa, legendplex)] == ["", "", ""]
