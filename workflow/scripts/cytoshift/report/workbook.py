"""The tables as a workbook that a person can filter, with a sheet that explains each column."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter

from cytoshift.report.inputs import SCHEMAS, ReportTables
from cytoshift.study.study import Study
from cytoshift.tables import Column, Table

MOST_ROWS = 100_000
LONGEST_TEXT = 32_000
_CREATED = datetime(2000, 1, 1)
# Where a table is kept that is too long for a sheet.
_PLACES = {
    "pairs": "shift/pairs.parquet",
    "shifts": "shift/shifts.tsv",
    "without_flagged": "shift/without_flagged.tsv",
    "arm_changes": "shift/arm_changes.tsv",
    "regression_to_mean": "shift/regression_to_mean.tsv",
    "decisions": "shift/decisions.tsv",
    "families": "shift/families.tsv",
    "reference_change": "shift/reference_change.tsv",
    "samples": "quality/samples.tsv",
    "replicates": "quality/replicates.tsv",
    "sample_map": "quality/sample_map.tsv",
    "plate_factors": "normalize/plate_factors.tsv",
    "names": "intake/names.tsv",
    "plates": "intake/plates.tsv",
    "curves": "calibrate/curves.tsv",
    "standards": "calibrate/standards.tsv",
    "agreement": "calibrate/agreement.tsv",
    "plate_review": "quality/plate_review.tsv",
    "controls": "quality/controls.tsv",
    "plate_map": "quality/plate_map.tsv",
    "findings": "intake/, calibrate/, quality/, normalize/ and shift/findings.tsv, quality/plate_findings.tsv",
}
_WITHOUT = "the same as shifts, estimated again without the samples that quality flagged"


@dataclass(frozen=True)
class _Sheet:
    """A table to write: its frame, columns and meaning."""

    name: str
    frame: pd.DataFrame
    columns: tuple[Column, ...]
    meaning: str


def write_workbook(tables: ReportTables, study: Study, path: Path | str) -> None:
    """Write the workbook to `path`: README first, then a sheet per table, then what each column means.

    Cells are typed: numbers are numbers, missing ones empty, unbounded ones '∞'. Text is text whatever it starts with:
    nothing becomes a formula or a link, and what starts with = + - @ carries the quote prefix, so that editing the cell
    does not make it one either.
    """
    sheets = [_sheet(name, getattr(tables, name), SCHEMAS[name]) for name in _PLACES_IN_ORDER]
    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": False,
    }
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"title": safe_text(study.title), "created": _CREATED})
        _Writer(book).write_all(sheets, study)


_PLACES_IN_ORDER = (
    "families", "decisions", "shifts", "without_flagged", "arm_changes", "regression_to_mean", "reference_change",
    "pairs", "samples", "findings", "replicates", "sample_map", "plate_factors", "plates", "curves", "standards",
    "agreement", "plate_review", "controls", "plate_map", "names",
)  # fmt: skip


def safe_text(value: object) -> str:
    """Text as a cell may hold it: no control characters, not longer than a cell."""
    text = "".join(
        char if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs") else "\N{REPLACEMENT CHARACTER}"
        for char in str(value)
    )
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def _sheet(name: str, frame: pd.DataFrame, table: Table) -> _Sheet:
    declared = {column.name: column for column in table.columns}
    further = "further column of the sample sheet, or added by quality"
    columns = tuple(declared.get(column, Column(column, "text", further)) for column in map(str, frame.columns))
    return _Sheet(name, frame, columns, _WITHOUT if name == "without_flagged" else table.meaning)


class _Writer:
    """Writes sheets of one book with the same look."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self._wrap = book.add_format({"text_wrap": True, "valign": "top"})
        self._quoted = book.add_format({"quote_prefix": True})

    def write_all(self, sheets: list[_Sheet], study: Study) -> None:
        self._readme(sheets, study)
        for sheet in sheets:
            self._table(sheet)
        self._columns(sheets)

    def _readme(self, sheets: list[_Sheet], study: Study) -> None:
        page = self._book.add_worksheet("README")
        page.set_column(0, 0, 22)
        page.set_column(1, 1, 100, self._wrap)
        lines = [("study", study.id), ("title", study.title), ("data", _origin(study))]
        lines += [
            (key, value) for key, value in (("disease", study.disease), ("intervention", study.intervention)) if value
        ]
        lines += [("citation", study.citation)] if study.citation else []
        lines += [
            ("missing", "an empty cell is a missing number; ∞ is an end without a bound"),
            (
                "text",
                "a text that starts with = + - @ is marked as text (quote prefix); saved as CSV it loses that mark",
            ),
            ("", ""),
            ("sheet", "what it holds"),
        ]
        lines += [(sheet.name, f"{sheet.meaning} ({len(sheet.frame):,} rows{_elsewhere(sheet)})") for sheet in sheets]
        lines += [("columns", "what each column of each sheet means, and its unit")]
        for row, (key, value) in enumerate(lines):
            page.write_string(row, 0, safe_text(key), self._head if key == "sheet" else None)
            page.write_string(row, 1, safe_text(value), self._head if key == "sheet" else self._wrap)

    def _table(self, sheet: _Sheet) -> None:
        page = self._book.add_worksheet(sheet.name)
        page.freeze_panes(1, _frozen(sheet))
        for place, column in enumerate(sheet.columns):
            page.set_column(place, place, _width(sheet.frame[column.name], column))
            page.write_string(0, place, safe_text(column.name), self._head)
        if len(sheet.frame) > MOST_ROWS:
            page.write_string(1, 0, f"{len(sheet.frame):,} rows are too many for a sheet: see {_PLACES[sheet.name]}")
            return
        if sheet.columns:
            page.autofilter(0, 0, max(1, len(sheet.frame)), len(sheet.columns) - 1)
        for place, column in enumerate(sheet.columns):
            self._column(page, place, column, sheet.frame[column.name])

    def _column(self, page: Any, place: int, column: Column, values: pd.Series) -> None:
        if column.kind == "text":
            for row, value in enumerate(values, start=1):
                if value:
                    text = safe_text(value)
                    page.write_string(row, place, text, self._quoted if _looks_like_formula(text) else None)
        elif column.kind == "flag":
            for row, value in enumerate(values, start=1):
                page.write_boolean(row, place, bool(value))
        else:
            numbers = values.to_numpy(dtype=float, na_value=math.nan)
            for row, value in enumerate(numbers.tolist(), start=1):
                if math.isinf(value):
                    page.write_string(row, place, "∞" if value > 0 else "\N{MINUS SIGN}∞")
                elif not math.isnan(value):
                    page.write_number(row, place, value)

    def _columns(self, sheets: list[_Sheet]) -> None:
        page = self._book.add_worksheet("columns")
        page.freeze_panes(1, 0)
        for place, (name, width) in enumerate(
            zip(("sheet", "column", "unit", "type", "meaning"), (16, 20, 14, 10, 90), strict=True)
        ):
            page.set_column(place, place, width, self._wrap if name == "meaning" else None)
            page.write_string(0, place, name, self._head)
        row = 0
        for row, cells in enumerate(_explanations(sheets), start=1):
            for place, cell in enumerate(cells):
                page.write_string(row, place, safe_text(cell))
        page.autofilter(0, 0, max(1, row), 4)


def _looks_like_formula(text: str) -> bool:
    return text.lstrip().startswith(("=", "+", "-", "@"))


def _explanations(sheets: list[_Sheet]) -> Iterator[tuple[str, str, str, str, str]]:
    for sheet in sheets:
        for column in sheet.columns:
            legal = f" (one of: {', '.join(word or 'empty' for word in column.allowed)})" if column.allowed else ""
            yield sheet.name, column.name, column.unit, column.kind, f"{column.meaning}{legal}"


def _frozen(sheet: _Sheet) -> int:
    """How many columns stay in view: up to the feature, where it stands near the left."""
    names = [column.name for column in sheet.columns]
    return next((names.index(name) + 1 for name in ("feature", "sample") if name in names[:5]), 1)


def _width(values: pd.Series, column: Column) -> float:
    longest = int(values.head(500).str.len().max()) if column.kind == "text" and len(values) else 8
    return float(min(max(longest, len(column.name) + 3, 7) + 1, 48))


def _elsewhere(sheet: _Sheet) -> str:
    return f", in {_PLACES[sheet.name]}" if len(sheet.frame) > MOST_ROWS else ""


def _origin(study: Study) -> str:
    return "SIMULATED: no person was measured" if study.origin == "simulated" else "observed"
