"""NULISAseq: NPQ are log2 with a LOD per plate."""

import numpy as np
import pytest

from cytoshift.intake.instruments import legendplex, msd, nulisa, olink
from cytoshift.intake.instruments.formats import read_instrument
from cytoshift.intake.instruments.readout import Options
from cytoshift.study.problem import Problems
from vendor_files import NULISA_HEADER, as_text, as_workbook, content, nulisa_rows

PLAIN = Options()


def refused(raw, options=PLAIN):
    with pytest.raises(Problems) as problems:
        read_instrument(content(raw), "nulisa", options)
    return str(problems.value)


def test_npq_are_read_with_the_lod_of_their_plate():
    readout = nulisa.read(content(as_text(nulisa_rows())), PLAIN)
    wells = readout.wells
    np.testing.assert_array_equal(wells["value"], np.round(np.linspace(0.375, 18.25, 24), 4))
    assert set(wells["unit"]) == {"NPQ"} and set(wells["status"]) == {"observed"}
    lods = wells.groupby("plate")["column_lower"].unique().map(list).to_dict()
    assert lods == {"Plate_01": [3.5], "Plate_02": [4.25]}
    types = wells.drop_duplicates("written").set_index("written")["type"].to_dict()
    assert (
        types["A1_Plate_01"] == "sample" and types["SC_1_Plate_01"] == "control" and types["NC_1_Plate_02"] == "blank"
    )
    assert wells[wells["reason"] != ""]["written"].unique().tolist() == ["A2_Plate_01", "A2_Plate_02"]
    assert set(wells["reason"]) == {"", "SampleQC WARN"}


def test_the_older_name_of_npq_and_sheets_are_known():
    rows = [["log2NormalizedCount" if cell == "NPQ" else cell for cell in row] for row in nulisa_rows()]
    wells = nulisa.read(content(as_workbook({"NPQ Values": rows, "Sample Information": [["a"]]})), PLAIN).wells
    assert wells["value"].iloc[0] == 0.375 and wells["source_column"].iloc[0] == "NPQ Values!log2NormalizedCount"


def test_npq_beside_concentrations_need_a_choice():
    rows = nulisa_rows()
    both = [[*rows[0], "Conc_pgmL", "LOD_pgmL"], *[[*row, str(2.0 ** float(row[-1])), "11.5"] for row in rows[1:]]]
    assert "holds 'NPQ' and 'Conc_pgmL'; say which is meant with `unit`: NPQ or pg/mL" in refused(as_text(both))
    wells = nulisa.read(content(as_text(both)), Options(unit="pg/mL")).wells
    assert wells["value"].iloc[0] == 2.0**0.375 and set(wells["column_lower"]) == {11.5}
    assert wells["status"].iloc[[0, -1]].tolist() == ["extrapolated", "observed"]
    assert nulisa.read(content(as_text(both)), Options(unit="NPQ")).wells["value"].iloc[0] == 0.375


@pytest.mark.parametrize(
    ("column", "cell", "line"),
    [("NPQ", "1O.5", "row 3, column 'NPQ': '1O.5' is not a number: the letter O"), ("LOD", "a", "column 'LOD'")],
)
def test_a_cell_that_is_no_number_is_named(column, cell, line):
    rows = nulisa_rows()
    rows[2][NULISA_HEADER.index(column)] = cell
    assert line in refused(as_text(rows))


def test_files_that_end_early_or_say_two_things_are_refused():
    rows = nulisa_rows()
    assert "has no line end" in refused(as_text(rows)[:-3])
    assert "row 26: row 2 has other values for the same SampleName A1_Plate_01, Target IL6" in refused(
        as_text([*rows, [*rows[1][:-1], "7"]])
    )


def test_only_nulisa_claims_its_files():
    file = content(as_text(nulisa_rows()))
    assert nulisa.sniff(file)
    assert [reader.sniff(file) for reader in (msd, olink, legendplex)] == ["", "", ""]
