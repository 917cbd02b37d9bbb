"""Which rows does a workbook or Parquet file hold, as text with numbers in their shortest exact form?"""

from __future__ import annotations

import datetime
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cytoshift.intake.texts import Unreadable
from cytoshift.intake.whole_workbooks import sheet_cells, sheet_names
from cytoshift.study.problem import did_you_mean


@dataclass(frozen=True)
class Typed:
    """Rows as text, and which cells were numbers or dates rather than text."""

    rows: list[list[str]]
    native: list[list[bool]]


def read_workbook(content: bytes, sheet: str | None) -> Typed:
    """Rows of one sheet (the first when None) from its first row on, formulas as their stored values.

    Raises Unreadable for a broken workbook and for a sheet it does not have.
    """
    names = sheet_names(content)
    if sheet is not None and sheet not in names:
        raise Unreadable(f"has no sheet {sheet!r}; legal: {', '.join(names)}{did_you_mean(sheet, names)}")
    cells = sheet_cells(content, names[0] if sheet is None else sheet)
    return Typed(
        [[as_text(cell) for cell in row] for row in cells],
        [[not isinstance(cell, str) for cell in row] for row in cells],
    )


def read_parquet(content: bytes) -> Typed:
    """Rows of a Parquet file, its column names first; null is an empty text.

    Raises Unreadable for a broken file and for columns that hold lists or records.
    """
    try:
        table = pq.read_table(io.BytesIO(content))
    except (pa.ArrowException, OSError) as error:
        raise Unreadable(f"is a Parquet file that cannot be read: {error}") from error
    columns, native = [], []
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            raise Unreadable(f"column {name!r} holds {kind}, which is not one value per cell")
        # float32 prints its own shortest form: 0.1, not 0.10000000149
        single = pa.types.is_float32(kind) or pa.types.is_float16(kind)
        values = column.to_numpy() if single else column.to_pylist()
        columns.append([as_text(value) for value in values])
        native.append(not (pa.types.is_string(kind) or pa.types.is_large_string(kind)))
    rows = [list(row) for row in zip(*columns, strict=True)] if columns else []
    return Typed([list(map(str, table.column_names)), *rows], [[False] * len(native)] + [native] * len(rows))


def as_text(cell: Any) -> str:
    """Shortest exact text of a cell: 61.0 is "61", 0.1 is "0.1", a date is ISO 8601, nothing is ""."""
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float | np.floating):
        return _number_text(cell)
    if isinstance(cell, datetime.datetime):
        midnight = cell.time() == datetime.time()
        return cell.date().isoformat() if midnight else cell.isoformat(sep=" ")
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell)


def _number_text(number: float | np.floating[Any]) -> str:
    if not np.isfinite(number):
        return "" if np.isnan(number) else str(number)
    if number == int(number) and abs(float(number)) < 1e15:
        return str(int(number))
    return str(number)  # numpy and Python both print the shortest text that reads back as the same number
