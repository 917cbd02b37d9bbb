"""Plates of optical densities: the same numbers in the same wells, each at its wavelength, or a clear refusal."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.elisa import READER
from cytoshift.intake.instruments.formats import read_instrument
from cytoshift.intake.instruments.readout import Options
from cytoshift.intake.layouts import apply_layout, read_layout
from cytoshift.study.problem import Problems
from plate_files import densities, drawn, spoilt, with_decimal_comma, workbook, written
from shared_data import requires_shared, shared_data, shared_study

TWO = [*drawn(densities(0.1), "OD 450"), [], *drawn(densities(0.02), "OD 570")]


def read(content, **options):
    content = content if isinstance(content, bytes) else written(content)
    return read_instrument(Content("plate.csv", content), "elisa", Options(**options))


def signals(readout):
    wells = readout.wells
    return dict(zip(zip(wells["plate"], wells["analyte"], wells["well"], strict=True), wells["signal"], strict=True))


def checks(readout):
    return {remark.check for remark in readout.remarks}


def refused(content, **options):
    with pytest.raises(Problems) as raised:
        read(content, **options)
    return str(raised.value).splitlines()


def test_every_plate_at_its_wavelength():
    found = read(TWO)
    assert len(found.wells) == 192
    numbers = signals(found)
    assert numbers["", "450 nm", "A1"] == 0.1
    assert numbers["", "450 nm", "H12"] == 0.833
    assert numbers["", "570 nm", "C7"] == 0.238
    assert found.wells["value"].isna().all()
    assert set(found.wells["type"]) == {"sample"}
    place = found.wells.iloc[96 + 14]
    assert (place["well"], place["source_row"], place["source_column"]) == ("B3", 15, "column 4")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_however_the_text_was_saved(separator, encoding, line_end):
    rows = [["Gerät: Sunrise µ", *[""] * 12], *TWO]
    assert signals(read(written(rows, separator, line_end, encoding))) == signals(read(TWO))
    if separator != ",":
        assert signals(read(written(with_decimal_comma(rows), separator, line_end, encoding))) == signals(read(TWO))


def test_a_workbook_a_sheet_per_plate():
    rows = [[float(cell) for cell in row] for row in densities(0.1)]
    sheet = [["", *range(1, 13)], *(["ABCDEFGH"[place], *row] for place, row in enumerate(rows))]
    found = read(workbook(one=sheet, two=sheet, notes=[["nothing here"]]))
    assert found.wells["plate"].unique().tolist() == ["one", "two"]
    assert set(found.wells["analyte"]) == {"OD"}
    assert found.wells["source_column"].iloc[0] == "one!B"
    assert read(workbook(one=sheet, two=sheet), sheet="two").wells["plate"].unique().tolist() == [""]


def test_plates_and_analytes_named_over_the_grids():
    rows = [*drawn(densities(0.1), "Plate 7"), *drawn(densities(0.2), "Plate 8")]
    assert read(rows).wells[["plate", "analyte"]].drop_duplicates().to_numpy().tolist() == [["7", "OD"], ["8", "OD"]]
    rows = [*drawn(densities(0.1), "IL-6"), *drawn(densities(0.2), "TNF-alpha")]
    assert read(rows).wells["analyte"].unique().tolist() == ["IL-6", "TNF-alpha"]
    one = [[*row, "450"] if place else [*row, ""] for place, row in enumerate(drawn(densities(0.1)))]
    assert read(one).wells["analyte"].unique().tolist() == ["450 nm"]


def test_384_wells():
    found = read(drawn(densities(0.1, 16, 24)))
    assert len(found.wells) == 384
    assert signals(found)["", "OD", "P24"] == pytest.approx(1.669)


def test_wells_beyond_the_range_and_wells_without_reading():
    cells = densities(0.1)
    cells[0][:5] = ["OVER", "OVRFLW", ">4.0", "", "n/a"]
    wells = read(drawn(cells)).wells.set_index("well")
    assert wells.loc["A1":"A3", "status"].tolist() == ["above"] * 3
    assert wells.loc["A1":"A3", "open_limit"].all()
    assert wells.loc["A1":"A5", "signal"].isna().all()
    assert wells.loc["A3", "reason"] == "beyond the reader's range (>4.0)"
    assert wells.loc[["A4", "A5"], "reason"].tolist() == ["no reading", "no reading (n/a)"]
    assert wells.loc["A6", ["signal", "reason", "open_limit"]].tolist() == [0.115, "", False]


def test_no_wavelength_is_subtracted_and_text_around_is_reported():
    found = read([["Operator", "someone"], *TWO, ["Shaken 5 s"]])
    message = next(remark.message for remark in found.remarks if remark.check == "densities_read")
    assert message.endswith("no wavelength is subtracted from another.")
    beside = next(remark.message for remark in found.remarks if remark.check == "text_beside")
    assert "someone" not in beside
    assert "1, 2, 13, 23" in beside


NO_NUMBER = densities(0.1)
NO_NUMBER[2][4] = "O.123"
THOUSANDS = [[cell.replace("0.", "1,") for cell in row] for row in densities(0.1)]
FEWER = drawn(densities(0.1))
FEWER[4] = FEWER[4][:-1]


NOT_WHOLE = {
    "cut in a line": (written(TWO)[:-3], "ends in the middle of a line"),
    "cut in a plate": (written(TWO[:-3]), "the plate of 8 × 12 wells lacks its rows F, G, H: is the file whole?"),
    "no title": (
        [*drawn(densities(0.1), "OD 450"), [], *drawn(densities(0.2))],
        "nothing over the plate drawn here",
    ),
    "one title twice": (TWO[:10] + TWO[:10], "like the one in row 2"),
    "no column numbers": ([*TWO[:10], TWO[11], *TWO[13:]], "row A of a plate without its column numbers"),
    "row differs": ([*TWO[:3], ["A", *["0.1"] * 12], *TWO[3:]], "row A of the plate is there already, and differs"),
    "no number": (drawn(NO_NUMBER), "row 4, column 6: 'O.123' is not a number: the letter O"),
    "thousands": (written(drawn(THOUSANDS), ";"), "may mean"),
    "unquoted decimal comma": (
        "".join(",".join(row) + "\n" for row in with_decimal_comma(drawn(densities(0.1)))).encode(),
        "a decimal comma",
    ),
    "a cell is missing": (FEWER, "row 5: has 12 cells where the column numbers have 13"),
    "no plate": ([["Sample", "IL-6"], ["a", "1"]], "holds no plate of optical densities"),
}


@pytest.mark.parametrize(("content", "words"), NOT_WHOLE.values(), ids=NOT_WHOLE)
def test_plates_that_are_not_whole_are_refused(content, words):
    lines = refused(content)
    assert any(words in line for line in lines), lines
    assert all(line.startswith("plate.csv") for line in lines)


def test_a_title_over_nothing_is_a_sign_of_a_lost_plate():
    assert "title_without_plate" in checks(read(TWO[:12]))


def test_a_layout_says_what_lies_in_the_wells():
    cells = [[f"P{letter}{number}" for number in range(1, 13)] for letter in "ABCDEFGH"]
    cells[0][:3] = ["B", "1/100", ""]
    layout = read_layout(Content("layout.csv", written(drawn(cells))))
    laid, _ = apply_layout(read(TWO).wells, layout)
    assert len(laid) == 190
    first = laid[laid["analyte"] == "450 nm"].head(3)
    assert first["type"].tolist() == ["blank", "standard", "sample"]
    assert first["signal"].tolist() == [0.1, 0.103, 0.109]


@pytest.mark.parametrize(
    "content",
    [
        written(drawn([["340.5"] * 12] * 8)),
        written(drawn([[f"P{number}" for number in range(12)]] * 8)),
        b"Sample,IL-6\na,0.1\n",
        b"\x00\x01",
        b"",
    ],
)
def test_other_files_are_not_claimed(content):
    assert READER.sniff(Content("x", content)) == ""


def test_a_plate_of_densities_is_recognised():
    assert "2 plates of optical densities" in READER.sniff(Content("x", written(TWO)))


MAGELLAN = [
    ["Well positions", "Label1", "Label2"],
    ["", "0s", "0s"],
    *(
        [f"{letter}{number}", f"0.{number:02d}{ord(letter)}", f"0.01{number:02d}"]
        for letter in "ABCDEFGH"
        for number in range(1, 13)
    ),
    ["Measurement 1:", "", ""],
    ["Measurement wavelength: 450 nm", "", ""],
    ["Unit: OD", "", ""],
    ["Measurement 2:", "", ""],
    ["Measurement wavelength: 620 nm", "", ""],
    ["Unit: OD", "", ""],
]  # fmt: skip


def test_a_magellan_list():
    found = read(MAGELLAN)
    assert "Tecan Magellan" in READER.sniff(Content("x", written(MAGELLAN)))
    assert signals(found)["", "450 nm", "A1"] == 0.0165
    assert signals(found)["", "620 nm", "H12"] == 0.0112
    assert "named_by_wavelength" in checks(found)
    short = read([*MAGELLAN[:50], *MAGELLAN[51:98]])
    absent = next(remark for remark in short.remarks if remark.check == "wells_absent")
    assert absent.message == "the list lacks 1 well of a plate of 96: E1."
    assert set(short.wells["analyte"]) == {"Label1", "Label2"}
    assert "wavelength_unknown" in checks(short)
    assert any(
        "well B1 is there already" in line for line in refused([*MAGELLAN[:20], ["B1", "9", "9"], *MAGELLAN[20:]])
    )


@requires_shared
def test_a_real_magellan_plate():
    path = shared_study("instrument_exports") / "allotropy" / "SLA01P01_ELISA.xlsx"
    found = READER.read(Content("elisa.xlsx", path.read_bytes()), Options())
    assert found.wells.groupby("analyte").size().to_dict() == {"485 nm": 384, "560 nm": 384}
    numbers = signals(found)
    assert [numbers["", "485 nm", well] for well in ("A1", "A2", "P20", "P24")] == [0.0557, 0.064, 0.1809, 0.0356]
    assert [numbers["", "560 nm", well] for well in ("A1", "A2", "P20", "P24")] == [0.0509, 0.049, 0.0509, 0.05]
    assert np.isfinite(found.wells["signal"]).all()
    beside = next(remark for remark in found.remarks if remark.check == "text_beside")
    assert beside.numbers == {"rows": 2 + 25}
    row = found.wells.set_index(["analyte", "well"]).loc[("485 nm", "A1")]
    assert (row["source_row"], row["source_column"]) == (4, "Magellan Sheet 1!Label1")


@requires_shared
def test_no_other_instruments_file_is_claimed():
    folder = shared_data() / "instrument_exports"
    claimed = [
        path.name
        for path in sorted(folder.glob("*/*"))
        if path.is_file() and READER.sniff(Content(path.name, path.read_bytes()))
    ]
    assert claimed == ["SLA01P01_ELISA.xlsx"]


def _same_or_said(found, expected, whole):
    numbers = signals(found)
    for key, number in numbers.items():
        # a label stands for the wavelength that the lost text named
        renamed = {"Label1": "450 nm", "Label2": "620 nm"}.get(key[1], key[1])
        assert number == expected[key[0], renamed, key[2]]
    if len(numbers) < len(expected):
        assert checks(found) & whole


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(spoilt(TWO))
def test_a_spoilt_drawing_gives_the_same_numbers_or_none(content):
    try:
        found = read(content)
    except Problems as problems:
        assert all(line.startswith("plate.csv") for line in str(problems).splitlines())
        return
    _same_or_said(found, signals(read(TWO)), {"densities_read"})


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(spoilt(MAGELLAN))
def test_a_spoilt_list_gives_the_same_numbers_or_says_what_is_absent(content):
    try:
        found = read(content)
    except Problems as problems:
        assert all(line.startswith("plate.csv") for line in str(problems).splitlines())
        return
    _same_or_said(found, signals(read(MAGELLAN)), {"wells_absent"})


def test_readings_that_may_group_thousands_are_for_a_person_to_decide():
    rows = drawn([[f"{1 + row}.{100 + column}" for column in range(12)] for row in range(8)], "RFU 450")
    assert refused(rows) == [
        "plate.csv: row 3, column 2: '1.100' may mean 1.100 or 1100; declare decimal: \".\" or write it without a "
        "thousands separator"
    ]
    assert read(rows, decimal=".").wells["signal"].iloc[0] == 1.1
    native = [
        [cell if place == 0 else float(cell) for place, cell in enumerate(row)] if len(row) > 1 and row[0] else row
        for row in rows
    ]
    assert read(workbook(Plate=native)).wells["signal"].iloc[0] == 1.1
