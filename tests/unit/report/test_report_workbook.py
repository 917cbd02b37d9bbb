"""The workbook: typed, explained, the same bytes every time, and deaf to formulas."""

import re
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from cytoshift.report import workbook
from cytoshift.report.inputs import SCHEMAS, ReportTables
from cytoshift.report.workbook import safe_text, write_workbook
from report_tables import finding_row, make_study, make_tables, shift_row

FORMULAS = ["=cmd|' /C calc'!A0", "+1+2", "-2+3", "@SUM(1)", "https://example.org/x", "0012", "1e5", "TRUE"]


def written(tmp_path: Path, tables: ReportTables, name: str = "tables.xlsx", **changes: Any) -> Path:
    path = tmp_path / name
    write_workbook(tables, make_study(**changes), path)
    return path


def rows_of(path: Path, sheet: str) -> list[list[Any]]:
    return CalamineWorkbook.from_path(str(path)).get_sheet_by_name(sheet).to_python()


def test_every_table_has_a_sheet_and_every_column_its_meaning(tmp_path: Path) -> None:
    path = written(tmp_path, make_tables())
    names = CalamineWorkbook.from_path(str(path)).sheet_names
    tables = set(ReportTables.__dataclass_fields__)
    assert set(names) == tables | {"README", "columns"}
    assert max(map(len, names)) <= 31
    explained = {(row[0], row[1]): row[4] for row in rows_of(path, "columns")[1:]}
    expected = {(name, column) for name in tables for column in SCHEMAS[name].names()}
    assert expected <= set(explained)
    assert all(explained.values())


def test_numbers_are_numbers_missing_ones_empty_and_open_ends_said(tmp_path: Path) -> None:
    tables = make_tables(shifts=[shift_row(ci_low=float("-inf"), ratio_high=float("inf"), se=float("nan"))])
    head, row = rows_of(written(tmp_path, tables), "shifts")
    cells = dict(zip(head, row, strict=True))
    assert cells["ratio"] == 0.72
    assert cells["n_pairs"] == 20
    assert (cells["ci_low"], cells["ratio_high"], cells["se"]) == ("−∞", "∞", "")
    assert rows_of(written(tmp_path, make_tables()), "pairs")[1][5] is True


def test_no_text_becomes_a_formula_a_link_or_a_number(tmp_path: Path) -> None:
    findings = [finding_row("x", message=text, sample=text) for text in FORMULAS]
    path = written(tmp_path, make_tables(findings=findings), title=FORMULAS[0], citation="=1+1")
    head, *rows = rows_of(path, "findings")
    assert [row[head.index("message")] for row in rows] == FORMULAS
    with zipfile.ZipFile(path) as book:
        sheets = [book.read(name).decode() for name in book.namelist() if name.startswith("xl/worksheets/")]
        assert sum("<f>" in sheet or "<f " in sheet or "hyperlink" in sheet for sheet in sheets) == 0
        assert 'quotePrefix="1"' in book.read("xl/styles.xml").decode()


def test_the_same_tables_give_the_same_bytes(tmp_path: Path) -> None:
    first = written(tmp_path, make_tables(), "a.xlsx").read_bytes()
    time.sleep(2.1)  # the clock of a zip file has steps of two seconds
    assert written(tmp_path, make_tables(), "b.xlsx").read_bytes() == first
    assert b"2000-01-01" in zipfile.ZipFile(tmp_path / "a.xlsx").read("docProps/core.xml")


def test_a_table_too_long_for_a_sheet_says_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 2)
    path = written(tmp_path, make_tables())
    assert rows_of(path, "pairs")[1][0] == "3 rows are too many for a sheet: see shift/pairs.parquet"
    assert any("3 rows, in shift/pairs.parquet" in str(row[1]) for row in rows_of(path, "README"))


def test_headers_stay_in_view_and_can_be_filtered(tmp_path: Path) -> None:
    with zipfile.ZipFile(written(tmp_path, make_tables())) as book:
        for name in book.namelist():
            if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", name) and name != "xl/worksheets/sheet1.xml":
                sheet = book.read(name).decode()
                assert 'state="frozen"' in sheet
                assert "<autoFilter" in sheet


def test_simulated_data_say_so(tmp_path: Path) -> None:
    readme = rows_of(written(tmp_path, make_tables(), origin="simulated"), "README")
    assert ["data", "SIMULATED: no person was measured"] in readme


def test_control_characters_do_not_break_the_file() -> None:
    assert safe_text("a\x00b\ud800c") == "a�b�c"
    assert len(safe_text("x" * 40_000)) == 32_000
