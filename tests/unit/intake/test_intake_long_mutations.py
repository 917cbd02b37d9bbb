"""Whatever happens to a vendor's table on its way here, no number of it may change unseen.

Each file is mutated as people, spreadsheets and broken downloads do it. It then gives the same numbers, or fewer with a
remark the whole file does not have, or problems in plain lines.
"""

import csv
import io
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytoshift.intake.instruments.formats import read_instrument
from cytoshift.intake.instruments.readout import Options
from cytoshift.study.problem import Problems
from vendor_files import (
    as_text,
    content,
    legendplex_rows,
    methodical,
    msd_rows,
    nulisa_rows,
    olink_rows,
    olink_wide,
)

PLAIN = Options()
PLATE, UNIT = 0, 9  # of the columns of a value
WIDE = [[str(cell) for cell in row] for row in olink_wide()]
TABLES = {
    "msd": ("msd", msd_rows(("1A", "2B")), ","),
    "olink": ("olink", olink_rows(), ";"),
    "olink_wide": ("olink", WIDE, ","),
    "nulisa": ("nulisa", nulisa_rows(), ","),
    "legendplex": ("legendplex", legendplex_rows(), ","),
}
TEXTS = {name: as_text(rows, separator) for name, (_, rows, separator) in TABLES.items()} | {"methodical": methodical()}
FORMATS = {name: reader for name, (reader, _, _) in TABLES.items()} | {"methodical": "msd"}
NAMES = sorted(TEXTS)
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
few = settings(max_examples=12, derandomize=True, deadline=None)


def values(readout):
    """How often each value occurs: where it belongs and every number of it, as text so that NaN equals NaN."""
    columns = ["plate", "written", "well", "analyte", "signal", "value", "lower", "upper", "status", "unit"]
    return Counter(tuple(map(str, row)) for row in readout.wells[columns].itertuples(index=False))


def said(readout):
    return {(remark.check, remark.message) for remark in readout.remarks}


def without(counted, column):
    """The same values with one of their columns left unsaid."""
    nameless = Counter()
    for row, count in counted.items():
        nameless[(*row[:column], "", *row[column + 1 :])] += count
    return nameless


INTACT = {name: read_instrument(content(text), FORMATS[name], PLAIN) for name, text in TEXTS.items()}
VALUES = {name: values(readout) for name, readout in INTACT.items()}


def check_outcome(name, raw, plates_move=False):
    """The contract; returns "refused", "same" or "fewer"."""
    try:
        readout = read_instrument(content(raw), FORMATS[name], PLAIN)
    except Problems as problems:
        lines = str(problems).splitlines()
        assert lines and all(line.startswith("export.csv") and len(line) > 25 for line in lines)
        return "refused"
    found, expected = values(readout), VALUES[name]
    if plates_move and name in ("msd", "methodical"):
        # a plate is named once, above its rows: without that line nobody can tell whose rows they are
        found, expected = without(found, PLATE), without(expected, PLATE)
    unit_lost = not any(row[UNIT] for row in found)
    if unit_lost:
        found, expected = without(found, UNIT), without(expected, UNIT)
    assert found <= expected
    fewer = found != expected
    assert not (fewer or (unit_lost and any(row[UNIT] for row in VALUES[name]))) or said(readout) - said(INTACT[name])
    return "fewer" if fewer else "same"


def lines_of(name):
    return TEXTS[name].splitlines(keepends=True)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@few
def test_a_file_cut_off_anywhere_is_refused_or_says_what_is_left(name, data):
    text = TEXTS[name]
    cut = data.draw(st.integers(0, len(text) - 1))
    outcome = check_outcome(name, text[:cut])
    if not text[:cut].endswith(("\n", "\r")):
        assert outcome == "refused"


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@few
def test_dropped_lines_never_change_a_number(name, data):
    lines = lines_of(name)
    start = data.draw(st.integers(0, len(lines) - 1))
    count = data.draw(st.integers(1, len(lines)))
    check_outcome(name, "".join(lines[:start] + lines[start + count :]), plates_move=True)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@few
def test_moved_lines_never_change_a_number(name, data):
    lines = lines_of(name)
    start = data.draw(st.integers(0, len(lines) - 1))
    count = data.draw(st.integers(1, len(lines) - start))
    rest = lines[:start] + lines[start + count :]
    place = data.draw(st.integers(0, len(rest)))
    check_outcome(name, "".join(rest[:place] + lines[start : start + count] + rest[place:]), plates_move=True)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@few
def test_a_line_that_stands_twice_is_read_once_or_refused(name, data):
    lines = lines_of(name)
    place = data.draw(st.integers(0, len(lines) - 1))
    again = data.draw(st.integers(place + 1, len(lines)))
    assert check_outcome(name, "".join([*lines[:again], lines[place], *lines[again:]])) in ("same", "refused")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_do_not_matter(name, encoding, end):
    text = "".join(line.rstrip("\r\n") + end for line in lines_of(name))
    if encoding == "cp1252":  # it has no Greek letters
        text = text.replace("α", "a").replace("β", "b")
        plain = read_instrument(content(text.encode()), FORMATS[name], PLAIN)
        assert values(read_instrument(content(text.encode("cp1252")), FORMATS[name], PLAIN)) == values(plain)
    else:
        assert check_outcome(name, text.encode(encoding)) == "same"


@pytest.mark.parametrize("name", sorted(TABLES))
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_do_not_matter(name, separator):
    assert check_outcome(name, as_text(TABLES[name][1], separator)) == "same"


@pytest.mark.parametrize("name", sorted(TABLES))
@pytest.mark.parametrize("separator", [",", ";"])
def test_decimal_commas_are_the_same_numbers_where_cells_stay_whole(name, separator):
    rows = [[cell.replace(".", ",") if _NUMBER.fullmatch(cell.lstrip("<>-")) else cell for cell in row]
            for row in TABLES[name][1]]  # fmt: skip
    assert check_outcome(name, as_text(rows, separator)) == "same"


@pytest.mark.parametrize("name", sorted(TABLES))
@given(data=st.data())
@few
def test_decimal_commas_that_split_cells_are_refused(name, data):
    rows = TABLES[name][1]
    own = [(at, column) for at, row in enumerate(rows) for column, cell in enumerate(row)
           if re.fullmatch(r"-?[0-9]+\.[0-9]+", cell)]  # fmt: skip
    at, column = data.draw(st.sampled_from(own))
    split = [row[:column] + row[column].split(".") + row[column + 1 :] if place == at else row
             for place, row in enumerate(rows)]  # fmt: skip
    assert check_outcome(name, as_text(split)) == "refused"


@pytest.mark.parametrize("name", ["msd", "legendplex"])
@pytest.mark.parametrize("sign", [",", "'", " ", "."])
def test_thousands_separators_are_refused(name, sign):
    rows = [[f"{int(cell):,}".replace(",", sign) if re.fullmatch(r"[0-9]{4,}", cell) else cell for cell in row]
            for row in TABLES[name][1]]  # fmt: skip
    rows = [[cell.replace(".", ",") if sign == "." and re.fullmatch(r"[0-9]+\.(?:[0-9]|[0-9]{2}|[0-9]{4})", cell)
             else cell for cell in row] for row in rows]  # fmt: skip
    assert check_outcome(name, as_text(rows)) == "refused"


@pytest.mark.parametrize("name", sorted(TABLES))
@given(data=st.data())
@few
def test_blank_columns_and_lines_do_not_matter(name, data):
    rows = TABLES[name][1]
    width = max(map(len, rows))
    column = data.draw(st.integers(1, width))
    blank = [[*row[:column], "", *row[column:]] for row in rows]
    place = data.draw(st.integers(0, len(rows)))
    blank.insert(place, data.draw(st.sampled_from([[], [""] * (width + 1)])))
    assert check_outcome(name, as_text(blank)) == "same"


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@few
def test_a_changed_sign_never_brings_a_traceback(name, data):
    text = TEXTS[name]
    place = data.draw(st.integers(0, len(text) - 1))
    sign = data.draw(st.sampled_from(list('",;\t\n\r <>=:*.-x\u00b5\x00')))
    raw = text[:place] + sign + text[place + 1 :]
    try:
        read_instrument(content(raw), FORMATS[name], PLAIN)
    except Problems as problems:
        assert str(problems).startswith("export.csv")


@given(raw=st.binary(max_size=300), name=st.sampled_from(sorted(set(FORMATS.values()))))
@few
def test_noise_is_refused(raw, name):
    with pytest.raises(Problems):
        read_instrument(content(raw), name, PLAIN)


def test_the_mutated_tables_hold_what_the_contract_is_about():
    assert {name: sum(counted.values()) for name, counted in VALUES.items()} == {
        "legendplex": 36, "methodical": 12, "msd": 32, "nulisa": 24, "olink": 30, "olink_wide": 16,
    }  # fmt: skip
    first = next(csv.reader(io.StringIO(TEXTS["olink"]), delimiter=";"))
    assert first[-1] == "NPX"
