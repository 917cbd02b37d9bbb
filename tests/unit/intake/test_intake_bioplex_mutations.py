"""A damaged or rearranged Bio-Plex Manager export gives the same numbers, fewer with a remark, or a clear line."""

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioplex_files import (
    HEADINGS,
    INTERPOLATORS,
    Sheet,
    analyte_sheets,
    kind_sheets,
    pooled_sheet,
    workbook,
    write_workbook,
    xml,
    xml_entries,
    xml_text,
)
from cytoshift.intake.instruments.bioplex import READER
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.formats import read_instrument
from cytoshift.intake.instruments.readout import Options, Readout
from cytoshift.study.problem import Problems
from shared_data import requires_shared, shared_data

FIELDS = [
    *("plate", "written", "type", "level", "signal", "net_signal", "beads", "dilution", "expected", "unit", "value"),
    *("lower", "upper", "status", "outlier", "reported_cv", "reported_recovery"),
]
LAYOUTS = {
    "by analyte": analyte_sheets,
    "by kind": kind_sheets,
    "by kind, one header row": lambda: kind_sheets(named_above=False),
    "pooled": lambda: [pooled_sheet()],
}
bounded = settings(max_examples=14, deadline=None, derandomize=True)
few = settings(max_examples=7, deadline=None, derandomize=True)


def numbers(readout: Readout) -> dict[tuple[str, str], dict[str, object]]:
    wells = readout.wells
    keys = zip(wells["analyte"], wells["well"], strict=True)
    found = dict(zip(keys, wells[FIELDS].to_dict("records"), strict=True))
    assert len(found) == len(wells)
    return found


def absent(field: str, value: object) -> bool:
    return value in ("", "missing", False) or (isinstance(value, float) and math.isnan(value))


def told(readout: Readout) -> set[str]:
    return {one.message for one in readout.remarks if one.check not in ("analytes_read", "stated_curve", "cv_divisor")}


def outcome(content: Content, original: Readout) -> str:
    """'same', 'fewer' (with a remark that was not there before), or 'problems' (with a line that names the file)."""
    try:
        readout = read_instrument(content, "bioplex", Options())
    except Problems as problems:
        assert all(line.startswith(content.path) and len(line) > 25 for line in str(problems).splitlines())
        return "problems"
    before, after = numbers(original), numbers(readout)
    kept = any("pooled row" in message and "are read as they are" in message for message in told(readout))
    assert all(key in before or (kept and "," in key[1]) for key in after)
    unnamed = any("Description is " in message for message in told(readout))
    for key, fields in after.items():
        for field, value in fields.items():
            if key not in before or absent(field, value) or (field == "written" and unnamed):
                continue
            assert value == before[key][field], (key, field)
    if all(str(after.get(key)) == str(fields) for key, fields in before.items()):
        return "same"
    assert told(readout) - told(original), "numbers are missing and nothing says so"
    return "fewer"


def pristine(layout: str) -> Readout:
    return READER.read(workbook(LAYOUTS[layout]()), Options())


ORIGINAL = {layout: pristine(layout) for layout in LAYOUTS}


def permuted(sheets: list[Sheet], order: list[int]) -> list[Sheet]:
    """Columns of every sheet in another order; the first column stays first where a row is a single line."""
    changed = []
    for sheet in sheets:
        width = max(map(len, sheet.rows))
        columns = [column for column in order if column < width]
        rows = []
        for cells in sheet.rows:
            full = [*cells, *[""] * (width - len(cells))]
            single = sum(cell not in ("", None) for cell in full) <= 1
            rows.append(full if single else [full[column] for column in columns])
        changed.append(Sheet(sheet.name, rows))
    return changed


@few
@given(st.permutations(range(16)), st.sampled_from(["by analyte", "pooled"]))
def test_columns_in_another_order(order, layout):
    assert outcome(workbook(permuted(LAYOUTS[layout](), order)), ORIGINAL[layout]) == "same"


@few
@given(st.randoms(use_true_random=False), st.sampled_from(list(LAYOUTS)))
def test_sheets_in_another_order(random, layout):
    sheets = LAYOUTS[layout]()
    random.shuffle(sheets)
    assert outcome(workbook(sheets), ORIGINAL[layout]) == "same"


@bounded
@given(
    st.sampled_from(list(LAYOUTS)),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40), st.integers(1, 3)), max_size=4),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12)), max_size=3),
)
def test_blank_rows_and_columns(layout, rows, columns):
    sheets = LAYOUTS[layout]()
    for sheet, place, count in rows:
        chosen = sheets[sheet % len(sheets)].rows
        chosen[place % len(chosen) : place % len(chosen)] = [[] for _ in range(count)]
    for sheet, column in columns:
        for cells in sheets[sheet % len(sheets)].rows:
            if len(cells) > column:
                cells.insert(column, "")
    assert outcome(workbook(sheets), ORIGINAL[layout]) == "same"


@few
@given(st.sampled_from(list(LAYOUTS)), st.integers(0, 5), st.integers(0, 60))
def test_repeated_rows(layout, sheet, place):
    sheets = LAYOUTS[layout]()
    rows = sheets[sheet % len(sheets)].rows
    rows.insert(place % len(rows), list(rows[place % len(rows)]))
    changed = workbook(sheets)
    assert outcome(changed, ORIGINAL[layout]) == "same"


def data_places(rows: list[list[object]]) -> list[int]:
    return [place for place, cells in enumerate(rows) if any(re.fullmatch("[BSCX][0-9]?", str(cell)) for cell in cells)]


@few
@given(st.sampled_from(["by analyte", "by kind"]), st.integers(0, 5), st.integers(0, 20), st.integers(3, 9))
def test_a_repeated_row_with_another_number_is_refused(layout, sheet, place, column):
    sheets = LAYOUTS[layout]()
    rows = sheets[sheet % len(sheets)].rows
    places = data_places(rows)
    row = list(rows[places[place % len(places)]])
    numeric = [index for index, cell in enumerate(row) if isinstance(cell, int | float)]
    if not numeric:
        return
    row[numeric[column % len(numeric)]] = 77.25
    rows.insert(places[-1] + 1, row)
    assert outcome(workbook(sheets), ORIGINAL[layout]) == "problems"


@bounded
@given(st.sampled_from(list(LAYOUTS)), st.integers(0, 5), st.integers(0, 60))
def test_a_dropped_row(layout, sheet, place):
    sheets = LAYOUTS[layout]()
    rows = sheets[sheet % len(sheets)].rows
    del rows[place % len(rows)]
    assert outcome(workbook(sheets), ORIGINAL[layout]) in ("same", "fewer", "problems")


@few
@given(st.sampled_from(list(LAYOUTS)), st.integers(0, 5), st.integers(0, 15))
def test_a_dropped_column(layout, sheet, column):
    sheets = LAYOUTS[layout]()
    for cells in sheets[sheet % len(sheets)].rows:
        if len(cells) > max(1, column):
            del cells[column]
    assert outcome(workbook(sheets), ORIGINAL[layout]) in ("same", "fewer", "problems")


@pytest.mark.parametrize("heading", [name for name in HEADINGS if name not in ("Analyte", "Group", "Ratio")])
def test_a_missing_column_is_named_or_refused(heading):
    sheets = analyte_sheets()
    for sheet in sheets:
        for cells in sheet.rows:
            if len(cells) > 2:
                del cells[HEADINGS.index(heading)]
    content = workbook(sheets)
    result = outcome(content, ORIGINAL["by analyte"])
    if heading in ("Type", "Well"):
        assert result == "problems"
    elif heading == "Sampling Errors":
        assert result == "same"
    else:
        readout = READER.read(content, Options())
        assert f"column {heading} is absent from the file" in told(readout)


@few
@given(st.sampled_from(list(LAYOUTS)), st.lists(st.integers(0, 40), min_size=1, max_size=12))
def test_header_and_legend_lines_removed(layout, places):
    sheets = LAYOUTS[layout]()
    for sheet in sheets:
        lines = [cells for cells in sheet.rows if len(cells) == 1]
        dropped = {id(lines[place % len(lines)]) for place in places}
        sheet.rows = [cells for cells in sheet.rows if id(cells) not in dropped]
    readout = READER.read(workbook(sheets), Options())
    for key, fields in numbers(readout).items():
        same = {field: value for field, value in fields.items() if field != "plate"}
        before = {field: value for field, value in numbers(ORIGINAL[layout])[key].items() if field != "plate"}
        assert str(same) == str(before)
    assert len(readout.wells) == len(ORIGINAL[layout].wells)


@few
@given(st.sampled_from(list(LAYOUTS)), st.integers(1, 6), st.integers(0, 3))
def test_a_shifted_table(layout, down, right):
    sheets = LAYOUTS[layout]()
    for sheet in sheets:
        rows = [["", *[""] * (right - 1), *cells] if right and len(cells) > 1 else cells for cells in sheet.rows]
        sheet.rows = [*[["exported again"]] * down, *rows]
    assert outcome(workbook(sheets), ORIGINAL[layout]) == "same"


def rewritten(sheets: list[Sheet], write) -> list[Sheet]:
    for sheet in sheets:
        sheet.rows = [
            [write(cell) if isinstance(cell, int | float) else cell for cell in cells] for cells in sheet.rows
        ]
    return sheets


@pytest.mark.parametrize("layout", LAYOUTS)
def test_numbers_stored_as_text(layout):
    assert outcome(workbook(rewritten(LAYOUTS[layout](), str)), ORIGINAL[layout]) == "same"


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("style", ["{:,}", "{:_}", "apostrophe", "comma"])
def test_numbers_in_another_notation_are_the_same_or_refused(layout, style):
    def write(number):
        if style == "comma":
            return str(number).replace(".", ",")
        if style == "apostrophe":
            return f"{number:,}".replace(",", "'")
        return style.format(number)

    assert outcome(workbook(rewritten(LAYOUTS[layout](), write)), ORIGINAL[layout]) in ("same", "problems")


@bounded
@given(st.sampled_from(list(LAYOUTS)), st.data())
def test_one_cell_rewritten_as_text_with_a_comma(layout, data):
    sheets = LAYOUTS[layout]()
    sheet = data.draw(st.sampled_from(sheets))
    places = [
        (row, column)
        for row, cells in enumerate(sheet.rows)
        for column, cell in enumerate(cells)
        if isinstance(cell, int | float)
    ]
    row, column = data.draw(st.sampled_from(places))
    sheet.rows[row][column] = f"{sheet.rows[row][column]:,}"
    assert outcome(workbook(sheets), ORIGINAL[layout]) in ("same", "problems")


def test_a_dropped_kind_is_named_and_a_dropped_analyte_takes_nothing_with_it():
    for place in range(len(kind_sheets())):
        sheets = kind_sheets()
        del sheets[place]
        assert outcome(workbook(sheets), ORIGINAL["by kind"]) == "fewer"
    alone = numbers(READER.read(workbook(analyte_sheets()[:1]), Options()))
    assert {str(fields) for fields in alone.values()} == {
        str(fields) for key, fields in numbers(ORIGINAL["by analyte"]).items() if key[0] == "Hu IL-6 (19)"
    }


@few
@given(st.sampled_from(list(LAYOUTS)), st.floats(0, 0.999))
def test_a_workbook_cut_off_anywhere(layout, share):
    raw = write_workbook(LAYOUTS[layout]())
    content = Content("plate.xlsx", raw[: int(share * len(raw))])
    assert outcome(content, ORIGINAL[layout]) == "problems"


@requires_shared
def test_real_workbooks_cut_off_anywhere():
    data = shared_data()
    assert data is not None
    for name in ("WithBlankBead.xls", "RawAndSummary.xlsx"):
        raw = (data / "instrument_exports" / "labkey_bioplex" / name).read_bytes()
        original = READER.read(Content(name, raw), Options())
        cuts = {*range(0, len(raw), len(raw) // 40), *(len(raw) - back for back in (1, 7, 512, 1024, 1536, 2048))}
        for cut in sorted(cuts):
            assert outcome(Content(name, raw[:cut]), original) in ("problems", "same")


XML = READER.read(xml(xml_text()), Options())


@bounded
@given(st.floats(0, 0.9999))
def test_xml_cut_off_anywhere(share):
    text = xml_text().rstrip()
    assert outcome(xml(text[: int(share * len(text))]), XML) == "problems"


@few
@given(st.permutations(range(3)), st.booleans(), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
def test_xml_elements_and_encodings(order, swapped, encoding):
    entries = xml_entries()
    text = xml_text([entries[place] for place in order], INTERPOLATORS[::-1] if swapped else None)
    for ends in ("\n", "\r\n"):
        assert outcome(xml(text.replace("\n", ends), encoding), XML) == "same"


@pytest.mark.parametrize("place", range(3))
def test_a_dropped_xml_group_is_named(place):
    entries = xml_entries()
    del entries[place]
    assert outcome(xml(xml_text(entries)), XML) == "fewer"


def test_an_xml_entry_that_is_dropped_or_repeated():
    entries = xml_entries()
    start = entries[2].index("<Unknown>")
    end = entries[2].index("</Unknown>") + len("</Unknown>")
    first = entries[2][start:end]
    assert outcome(xml(xml_text([*entries[:2], entries[2].replace(first, "")])), XML) == "fewer"
    assert outcome(xml(xml_text([*entries[:2], entries[2].replace(first, first * 2)])), XML) == "same"
    other = first + first.replace("41.5", "41.75")
    assert outcome(xml(xml_text([*entries[:2], entries[2].replace(first, other)])), XML) == "problems"


@few
@given(st.integers(0, 400), st.booleans())
def test_an_xml_element_that_is_dropped(place, whole):
    """Any one reading, result or entry taken out."""
    text = xml_text()
    pattern = r"<MWAnalyte .*?</MWAnalyte>" if whole else r"<(Reading|MWObsConc|RawMean|Dilution|Label)\b.*?</\1>"
    found = list(re.finditer(pattern, text))
    chosen = found[place % len(found)]
    assert outcome(xml(text[: chosen.start()] + text[chosen.end() :]), XML) in ("fewer", "same", "problems")


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE a [<!ENTITY b "c">]>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE a [<!ENTITY b SYSTEM "http://example.org/">]>',
    ],
)
def test_document_types_and_entities_are_refused(declaration):
    text = xml_text().replace("?>\n", f"?>\n{declaration}\n", 1)
    with pytest.raises(Problems, match="declares a document type or entities"):
        read_instrument(xml(text), "bioplex", Options())
