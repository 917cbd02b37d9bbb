"""Table files as text: separators, encodings, quotes, workbooks, Parquet, and files nobody can read."""

import csv
import datetime
import io

import numpy as np
import pandas as pd
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from cytoshift.intake.tabular import find_files, read_grid
from cytoshift.intake.values import find_decimal, parse_cells
from cytoshift.study.problem import Problems


def _grid(text, name="table.csv", encoding="utf-8"):
    return read_grid(name, content=text.encode(encoding))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separator_and_encoding_are_found(separator, encoding):
    text = "\r\n".join(separator.join(row) for row in (["sample", "TNF-α"], ["001", "1.5"], ["Zoë", "<3"]))
    grid = _grid(text, encoding=encoding)
    assert list(grid.frame.columns) == ["sample", "TNF-α"]
    assert grid.frame.to_numpy().tolist() == [["001", "1.5"], ["Zoë", "<3"]]


def test_windows_text_is_read():
    assert list(_grid("sample,µL\na,1\n", encoding="cp1252").frame.columns) == ["sample", "µL"]


def test_commas_inside_semicolon_files_and_quotes_inside_cells():
    grid = _grid('sample;"IL-6, pg/mL";note\nS1;1,5;"said ""no"";\nthen yes"\n')
    assert grid.frame.iloc[0].tolist() == ["S1", "1,5", 'said "no";\nthen yes']


def test_a_carriage_return_alone_inside_a_cell_is_a_space():
    grid = _grid('sample,note\r\nS1,"haemo\rlysed\r"\r\nS2,"two\r\nlines"\r\n')
    assert grid.frame["note"].tolist() == ["haemo lysed", "two\r\nlines"]


def test_rows_keep_the_number_they_have_in_the_file():
    grid = _grid("a,b\n1,2\n\n ,\n3,4\n")
    assert grid.frame.index.tolist() == [2, 5]
    assert _grid("\n\na,b\n1,2\n").frame.index.tolist() == [4]


def test_repeated_headers_are_told_apart_and_known():
    grid = _grid("id,x,id,id (2)\n1,2,3,4\n")
    assert list(grid.frame.columns) == ["id", "x", "id (3)", "id (2)"]
    assert grid.headers["id (3)"] == "id"
    assert grid.repeated_headers() == ["id"]


def _workbook(rows, sheets=("Results",)):
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"default_date_format": "yyyy-mm-dd"}) as workbook:
        for sheet in sheets:
            worksheet = workbook.add_worksheet(sheet)
            for number, row in enumerate(rows):
                for column, cell in enumerate(row):
                    worksheet.write(number, column, cell)
    return stream.getvalue()


def test_a_workbook_gives_the_shortest_exact_text_and_real_rows():
    rows = [[], ["sample", "date", "IL-6", "ok"], [], ["001", datetime.date(2018, 1, 9), 61.0, True], [7, "x", 0.1, ""]]
    grid = read_grid("t.xlsx", "Results", _workbook(rows))
    assert grid.frame.loc[4].tolist() == ["001", "2018-01-09", "61", "TRUE"]
    assert grid.frame.loc[5].tolist() == ["7", "x", "0.1", ""]
    assert grid.native.loc[5].tolist() == [True, False, True, False]
    assert grid.where == "t.xlsx [Results]"


def test_parquet_is_text_too(tmp_path):
    path = tmp_path / "t.parquet"
    frame = pd.DataFrame({"s": ["001", None], "n": [1.0, np.nan], "f": np.array([0.1, 2.5], "float32"), "i": [1, 2]})
    frame.to_parquet(path)
    assert read_grid(str(path)).frame.to_numpy().tolist() == [["001", "1", "0.1", "1"], ["", "", "2.5", "2"]]


REFUSED = {
    "empty file": (b"", None, "is empty"),
    "blank file": (b"\n \n", None, "is empty"),
    "binary": (bytes(range(256)), None, "not a text file"),
    "too many fields": (b"a,b\n1,2\n1,2,3\n", None, "row 3: has 3 fields where the header has 2"),
    "row names": (b"a\tb\nr1\t1\t2\nr2\t1\t2\n", None, "name the first column"),
    "open quote": (b'a,b\n1,"2\n3,4\n', None, "quotation mark"),
    "sheet of a text file": (b"a,b\n1,2\n", "Results", "no sheet 'Results'"),
    "broken workbook": (b"PK\x03\x04 no", None, "cannot be read"),
    "broken parquet": (b"PAR1 no", None, "cannot be read"),
}


@pytest.mark.parametrize(("content", "sheet", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_read_is_named(content, sheet, message):
    with pytest.raises(Problems, match=r"^file\.csv") as raised:
        read_grid("file.csv", sheet, content)
    assert message in str(raised.value)


def test_a_missing_sheet_lists_the_sheets():
    with pytest.raises(Problems, match=r"legal: Results, Notes; did you mean 'Results'\?"):
        read_grid("t.xlsx", "Reslts", _workbook([["a"]], ("Results", "Notes")))


def test_a_missing_file_suggests_its_neighbour(tmp_path):
    (tmp_path / "samples.csv").write_text("a\n")
    with pytest.raises(Problems, match=r"sample\.csv: not found; the folder holds samples\.csv; did you mean"):
        find_files(str(tmp_path / "sample.csv"))
    with pytest.raises(Problems, match="there is no folder"):
        find_files(str(tmp_path / "nowhere" / "*.csv"))
    with pytest.raises(Problems, match="is a folder"):
        find_files(str(tmp_path))
    assert find_files(str(tmp_path / "*.csv")) == [str(tmp_path / "samples.csv")]


cell = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=8).map(str.strip)
table = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=6)
)


@settings(max_examples=150)
@given(table, st.sampled_from([",", ";", "\t"]), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), st.booleans())
def test_a_written_table_comes_back(rows, separator, encoding, quoted):
    header = [f"column {number}" for number in range(len(rows[0]))]
    stream = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    csv.writer(stream, delimiter=separator, quoting=quoting).writerows([header, *rows])
    grid = _grid(stream.getvalue(), encoding=encoding)
    assert list(grid.frame.columns) == header
    written = {number: row for number, row in enumerate(rows, start=2) if any(row)}
    assert dict(zip(grid.frame.index.tolist(), grid.frame.to_numpy().tolist(), strict=True)) == written


@settings(max_examples=150)
@given(st.binary(max_size=200), st.one_of(st.none(), st.just("Results")))
def test_any_bytes_are_a_table_or_a_problem(content, sheet):
    try:
        grid = read_grid("any.csv", sheet, content)
    except Problems as problems:
        assert str(problems).startswith("any.csv")
    else:
        assert grid.frame.columns.is_unique
        assert grid.frame.map(lambda text: isinstance(text, str)).all(axis=None)


def _written(texts, separator, encoding="utf-8"):
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=separator).writerows([["sample", "IL-6"], *(["S", text] for text in texts)])
    cells = _grid(stream.getvalue(), encoding=encoding).frame["IL-6"]
    return parse_cells(cells, find_decimal(cells, None), floor=-np.inf)


numbers = st.lists(st.decimals(-10_000, 10_000_000, places=3).map(float), min_size=1, max_size=8)
separators, encodings = st.sampled_from([",", ";", "\t"]), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"])


@given(numbers, separators, encodings)
def test_numbers_with_a_full_stop_always_come_back(values, separator, encoding):
    parsed = _written(map(repr, values), separator, encoding)
    np.testing.assert_array_equal(parsed.value, values)


@given(numbers, separators, encodings)
def test_numbers_with_a_comma_come_back_or_are_refused(values, separator, encoding):
    parsed = _written([repr(value).replace(".", ",") for value in values], separator, encoding)
    for place, value in enumerate(values):
        assert parsed.value[place] == value or place in parsed.mistakes


@given(numbers, separators, st.sampled_from([",.2f", ",.0f", ",g", "_d"]))
def test_thousands_separators_never_become_another_number(values, separator, style):
    texts = [format(int(value) if style == "_d" else value, style).replace("_", " ") for value in values]
    parsed = _written(texts, separator)
    for place, text in enumerate(texts):
        assert parsed.value[place] == float(text.replace(",", "").replace(" ", "")) or place in parsed.mistakes


def test_a_glob_passes_over_lock_files_and_system_files(tmp_path):
    for name in ("plate1.xlsx", "~$plate1.xlsx", ".~lock.plate1.xlsx#", ".DS_Store", "._plate1.xlsx", "Thumbs.db"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    assert find_files(str(tmp_path / "*")) == [str(tmp_path / "plate1.xlsx")]
    (tmp_path / "plate1.xlsx").unlink()
    with pytest.raises(Problems, match="matches no file; the folder holds no tables"):
        find_files(str(tmp_path / "*.xlsx"))
