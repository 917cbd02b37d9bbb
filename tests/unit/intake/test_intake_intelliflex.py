"""What an INTELLIFLEX export of one row per well says, and that a damaged one is refused."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytoshift.intake.instruments import intelliflex, xponent
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.formats import read_instrument
from cytoshift.intake.instruments.readout import Options
from cytoshift.study.problem import Problems
from shared_data import requires_shared, shared_study

PARTS = ("ANALYTE NAME", "REGION", "MEDIAN", "BACKGROUND", "NET MEDIAN", "COUNT")
FIXED = ("MODEL NAME", "SOFTWARE VERSION", "PLATE NAME", "PLATE START", "ACTIVE USER", "WELL LOCATION", "WELL TYPE",
         "WELL STATUS", "SAMPLE ID", "DILUTION")  # fmt: skip
SIGNATURE = [
    ["--DOCUMENT SIGNATURE--"],
    ["Instrument Serial Number: X1"],
    ["Data Signature: "],
    ["0A1B2C3D" * 8],
    ["4E5F6071" * 8],
]
REGIONS = {("25", "RP1"): "IL-6", ("27", "RP1"): "TNF-α"}


def table(regions=None, plate="plate A"):
    """Header and rows: a blank, a standard, a control, two samples and a dry well."""
    regions = regions or REGIONS
    header = [*FIXED, *(f"R{number}: {reporter} {part}" for number, reporter in regions for part in PARTS), ""]
    wells = [
        ("A1", "B1", "Ok", "blank"),
        ("B1", "S1", "Ok", "standard 1"),
        ("C1", "C1", "Ok", "control low"),
        ("D1", "U1", "Ok", "P01 pre"),
        ("E1", "U2", "Warning", "P01 post"),
        ("F1", "U3", "Dry", "P02 pre"),
    ]
    rows = []
    for place, (well, kind, status, name) in enumerate(wells):
        plate_facts = ["xMAP INTELLIFLEX", "Bundle - 2.1/Touch - 2.0", plate, "2026-02-25 04:42:08 PM", "somebody"]
        fixed = [*plate_facts, well, kind, status, name, "2"]
        cells = []
        for column, ((number, _), analyte) in enumerate(regions.items()):
            dry = status == "Dry"
            median = 1200.25 + 1000.5 * place + 31 * column
            read = [analyte, number, repr(median), "20.5", repr(median - 20.5), str(80 + place + column)]
            cells += ["NaN"] * len(PARTS) if dry else read
        rows.append([*fixed, *cells, ""])
    return [header, *rows]


def write(rows, separator=",", line_end="\r\n", end=SIGNATURE, quoted=False):
    cell = (lambda text: f'"{text}"') if quoted else (lambda text: text)
    return "".join(separator.join(map(cell, row)) + line_end for row in [*rows, *end])


def read(text, encoding="utf-8", options=None):
    return read_instrument(Content("plate.csv", text.encode(encoding)), "intelliflex", options or Options())


@cache
def truth():
    return read(write(table()))


def same(readout, whole=None):
    wells = (whole or truth()).wells
    return readout.wells.drop(columns="source_row").equals(wells.drop(columns="source_row"))


def message(readout, check):
    return " | ".join(remark.message for remark in readout.remarks if remark.check == check)


@requires_shared
def test_the_real_file_has_fourteen_targets_in_ten_wells_of_which_eight_are_dry():
    raw = (shared_study("instrument_exports") / "allotropy" / "luminex_intelliflex_v2_2.csv").read_bytes()
    content = Content("v2_2.csv", raw)
    assert intelliflex.sniff(content)
    assert xponent.sniff(content) == ""
    readout = read_instrument(content, "intelliflex", Options())
    wells = readout.wells
    assert (wells["well"].nunique(), wells["analyte"].nunique(), len(wells)) == (10, 14, 140)
    assert wells["analyte"].str.startswith("HPV").all()
    dry = wells["reason"].str.startswith("well status Dry")
    assert wells.loc[dry, "well"].nunique() == 8
    assert wells.loc[dry, ["signal", "net_signal", "beads"]].isna().all(axis=None)
    first = wells[(wells["well"] == "B1") & (wells["analyte"] == "HPV6")].iloc[0]
    assert first[["signal", "net_signal", "beads", "dilution"]].tolist() == [6.05021, 10.27147, 17.65178, 15]
    assert (first["written"], first["source_row"], first["source_column"]) == ("Sample_002", 3, "R25: RP1 MEDIAN")
    unread = wells[wells["beads"] == 0]
    assert set(unread["well"]) == {"A2"}
    assert set(unread["analyte"]) == {"HPV31", "HPV39", "HPV45", "HPV52", "HPV56"}
    assert unread["signal"].isna().all()
    assert set(wells["plate"]) == {"TEST_PLATE_001"}
    assert readout.about["run_date"] == "2026-02-25"
    assert "TestUser" not in str(readout.about)
    assert "well status Warning: 2 wells (B1, A2)" in message(readout, "well_status")
    assert set(wells["status"]) == {"missing"}


def test_a_small_file_reads_as_written():
    wells = truth().wells
    assert wells.drop_duplicates("well").set_index("well")["type"].to_dict() == {
        "A1": "blank", "B1": "standard", "C1": "control", "D1": "sample", "E1": "sample", "F1": "sample"
    }  # fmt: skip
    assert wells.drop_duplicates("well")["level"].tolist() == ["", "S1", "C1", "", "", ""]
    cell = wells[(wells["well"] == "D1") & (wells["analyte"] == "TNF-α")].iloc[0]
    assert cell[["signal", "net_signal", "beads", "dilution"]].tolist() == [4232.75, 4212.25, 84, 2]
    assert truth().software == "Bundle - 2.1"
    reasons = wells.drop_duplicates("well")["reason"].tolist()
    assert reasons[3:] == [
        "no concentrations in the file",
        "well status Warning; no concentrations in the file",
        "well status Dry; no bead was read",
    ]


def test_two_reporters_of_one_region_are_two_analytes():
    readout = read(write(table({("25", "RP1"): "IL-6", ("25", "RP2"): "IL-6"})))
    assert set(readout.wells["analyte"]) == {"IL-6 RP1", "IL-6 RP2"}


def test_a_region_that_no_row_names_keeps_its_number():
    readout = read(write(table({("25", "RP1"): "NaN", ("27", "RP1"): "TNF-α"})))
    assert set(readout.wells["analyte"]) == {"R25", "TNF-α"}


def test_a_median_of_no_beads_is_no_signal():
    rows = table()
    at = rows[0].index("R25: RP1 MEDIAN")
    for name in ("MEDIAN", "NET MEDIAN", "COUNT"):
        rows[4][rows[0].index(f"R25: RP1 {name}")] = "0"
    readout = read(write(rows))
    cell = readout.wells[(readout.wells["well"] == "D1") & (readout.wells["analyte"] == "IL-6")].iloc[0]
    assert rows[4][at] == "0"
    assert np.isnan(cell["signal"])
    assert cell["reason"] == "no bead was read"
    assert "IL-6 in D1" in message(readout, "no_beads")


few = settings(max_examples=12, deadline=None, derandomize=True)


LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])


@few
@given(st.sampled_from(",;\t"), LINE_ENDS, ENCODINGS, st.booleans(), st.booleans())
def test_however_it_was_saved_it_says_the_same(separator, line_end, encoding, quoted, comma):
    rows = table()
    if comma and (quoted or separator != ","):
        numbers = range(len(FIXED), len(rows[0]))
        rows = [
            [cell.replace(".", ",") if place in numbers else cell for place, cell in enumerate(row)] for row in rows
        ]
    assert same(read(write(rows, separator, line_end, quoted=quoted), encoding))


@few
@given(st.data())
def test_cut_off_anywhere_it_is_refused(data):
    text = write(table())
    cut = data.draw(st.one_of(st.integers(1, len(text) - 1), st.integers(len(text) - 200, len(text) - 1)))
    ends_with_a_signature = text[:cut].endswith("0A1B2C3D\r\n") or text[:cut].endswith("0A1B2C3D\r")
    if ends_with_a_signature or cut == len(text) - 1:
        assert same(read(text[:cut]))
    else:
        with pytest.raises(Problems, match=r"cut off|INTELLIFLEX"):
            read(text[:cut])


@few
@given(st.data())
def test_lines_twice_and_blank_columns_change_nothing(data):
    rows = table()
    twice = data.draw(st.sets(st.integers(0, len(rows) - 1), max_size=3))
    rows = [row for place, row in enumerate(rows) for _ in range(1 + (place in twice))]
    for _ in range(data.draw(st.integers(0, 2))):
        column = data.draw(st.integers(0, len(rows[0])))
        rows = [[*row[:column], "", *row[column:]] for row in rows]
    readout = read(write(rows))
    assert same(readout)
    assert ("duplicated_lines" in [remark.check for remark in readout.remarks]) == bool(twice)


def changed(well, column, text):
    rows = table()
    row = next(row for row in rows if row[FIXED.index("WELL LOCATION")] == well)
    row[rows[0].index(column)] = text
    return write(rows, quoted=True)


REFUSED = {
    "a type that is not known": (("D1", "WELL TYPE", "X1"), "'X1' is no type of well; legal: U1, S1, C1, B1"),
    "no well": (("D1", "WELL LOCATION", "Z99"), "'Z99' is no well"),
    "another region": (("D1", "R25: RP1 REGION", "26"), "'26' is not 25: cells of this row are out of place"),
    "two names of one region": (("D1", "R25: RP1 ANALYTE NAME", "IL-8"), "several analytes: IL-6, IL-8"),
    "a letter for a digit": (("D1", "R25: RP1 MEDIAN", "42O1.75"), "'42O1.75' is not a number: the letter O"),
    "a comma that may be either": (("D1", "R25: RP1 MEDIAN", "4,201"), "'4,201' may mean 4201 or 4.201"),
    "a dilution of nothing": (("D1", "DILUTION", "0"), "'0' is no dilution"),
    "a second row of a well": (("D1", "WELL LOCATION", "C1"), "has another row for well C1, with other values"),
}  # fmt: skip


@pytest.mark.parametrize(("where", "says"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_named(where, says):
    with pytest.raises(Problems) as refused:
        read(changed(*where))
    assert says in str(refused.value)
    assert str(refused.value).startswith("plate.csv")


def test_decimal_commas_that_split_cells_are_refused():
    rows = [[cell.replace(".", ",") if "R2" in name else cell for cell, name in zip(row, table()[0], strict=True)]
            for row in table()]  # fmt: skip
    with pytest.raises(Problems, match="is a comma both decimal sign and separator"):
        read(write(rows))


def test_a_column_that_is_lost_is_named():
    rows = table()
    place = rows[0].index("R27: RP1 COUNT")
    readout = read(write([row[:place] + row[place + 1 :] for row in rows]))
    assert "no columns R27: RP1 COUNT" in message(readout, "columns_absent")
    assert readout.wells.loc[readout.wells["analyte"] == "TNF-α", "beads"].isna().all()
    assert readout.wells["signal"].equals(truth().wells["signal"])


def test_wells_of_two_plates_keep_their_plate():
    readout = read(write([*table(), *table(plate="plate B")[1:]]))
    assert readout.wells.groupby("plate")["well"].nunique().to_dict() == {"plate A": 6, "plate B": 6}


def test_other_texts_are_not_claimed():
    for text in ("a,b\n1,2\n", "WELL LOCATION,value\nA1,2\n", "<x/>", "Program,xPONENT\n"):
        assert intelliflex.sniff(Content("x.csv", text.encode())) == ""
