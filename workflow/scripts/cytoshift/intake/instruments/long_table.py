"""What does a vendor's long table say, column by column, and which of its cells are numbers?"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cytoshift.findings import listed
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.decimals import decimal_sign
from cytoshift.intake.instruments.readout import Options, Remark, refuse
from cytoshift.intake.instruments.table_rows import (
    PROBLEMS_SHOWN,
    Aliases,
    Needed,
    check_header,
    check_lengths,
    csv_rows,
    find_header,
    find_separator,
    fold,
    has_needed,
    match_header,
    open_rows,
    parquet_column,
    parquet_names,
    read_plain_columns,
    require_whole,
)
from cytoshift.intake.texts import Unreadable
from cytoshift.intake.values import Parsed, parse_cells
from cytoshift.study.problem import Problem, Problems

_CHUNK = 50_000
_WELL = re.compile(r"([A-Za-z]{1,2})0*([1-9][0-9]?)")


@dataclass(frozen=True)
class LongTable:
    """Columns of a table by meaning: `texts` and `native` (numbers in the file) of n cells each, `rows` their rows."""

    path: str
    sheet: str | None
    headers: dict[str, str]  # meaning → header as written
    texts: dict[str, np.ndarray]
    native: dict[str, np.ndarray]
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def where(self) -> str:
        """The file, and the sheet where it has sheets."""
        return f"{self.path} [{self.sheet}]" if self.sheet else self.path

    def text(self, *keys: str) -> np.ndarray:
        """Cells of the first of these columns that the table has; empty texts without one."""
        for key in keys:
            if key in self.texts:
                return self.texts[key]
        return np.full(len(self), "", dtype=object)

    def column_name(self, key: str) -> str:
        """A column as a person finds it; '' for one the table does not have."""
        header = self.headers.get(key, "")
        return f"{self.sheet}!{header}" if self.sheet and header else header

    def with_text(self, key: str, cells: np.ndarray) -> LongTable:
        """The same with other cells in a column."""
        return replace(self, texts=self.texts | {key: cells})

    def take(self, keep: np.ndarray) -> LongTable:
        """The rows flagged (or placed) in `keep`."""
        texts = {key: cells[keep] for key, cells in self.texts.items()}
        native = {key: flags[keep] for key, flags in self.native.items()}
        return replace(self, texts=texts, native=native, rows=self.rows[keep])


def read_long_table(
    content: Content, aliases: Aliases, needed: Needed, options: Options, what: str
) -> tuple[LongTable, list[Remark]]:
    """A table with one header and one row per value, from a text, a workbook or Parquet.

    Returns the columns that `aliases` names and remarks on what was passed over (other sheets, headers that occur
    again). Raises Problems and Unreadable for a file that is no such table, is cut off or has rows of another length.
    """
    if content.kind == "parquet":
        return _read_parquet(content, aliases, needed, what), []
    if content.kind == "workbook":
        return _read_sheet(content, aliases, needed, options, what)
    if options.sheet is not None:
        raise refuse(content.path, "", f"is no workbook and has no sheet {options.sheet!r}; leave `sheet` out")
    table = _read_text(content, aliases, needed, what)
    return _without_headers(table)


def _read_text(content: Content, aliases: Aliases, needed: Needed, what: str) -> LongTable:
    text = content.text
    separator = find_separator(text, lambda rows: find_header(rows, aliases, needed) >= 0)
    if not separator:
        raise refuse(content.path, "", f"has no {what} separated by tabs, semicolons or commas")
    require_whole(content)
    reader = csv_rows(text, separator)
    above, matched, header = 0, dict[str, int](), list[str]()
    for above, cells in enumerate(reader):
        header = [cell.strip() for cell in cells]
        matched = match_header(header, aliases)
        if has_needed(matched, needed):
            break
        if sum(map(bool, header)) > 3:
            raise refuse(content.path, f"row {above + 1}", "stands above the header; the header must come first")
    check_header(content.path, above + 1, header, aliases)
    headers = {key: header[place] for key, place in matched.items()}
    quick = read_plain_columns(text, separator, above + 1, len(header), list(matched.values()))
    if quick is not None:
        row_numbers = np.arange(above + 2, above + 2 + len(quick[0]))
        native = {key: np.zeros(len(row_numbers), dtype=bool) for key in matched}
        texts = dict(zip(matched, quick, strict=True))
        return _without_blank_rows(LongTable(content.path, None, headers, texts, native, row_numbers))
    columns, row_numbers = _careful_columns(reader, above + 2, header, matched, content.path)
    native = {key: np.zeros(len(row_numbers), dtype=bool) for key in matched}
    return _without_blank_rows(LongTable(content.path, None, headers, columns, native, row_numbers))


def _careful_columns(
    reader: Iterator[list[str]], start: int, header: list[str], matched: dict[str, int], path: str
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Columns of the rows below a header, and their line numbers; Problems name the rows of another length."""
    columns: dict[str, list[str]] = {key: [] for key in matched}
    seen: dict[str, dict[str, str]] = {key: {} for key in matched}
    rows: list[np.ndarray] = []
    wrong: dict[int, int] = {}
    while chunk := list(itertools.islice(reader, _CHUNK)):
        numbers = np.arange(start, start + len(chunk))
        start += len(chunk)
        if set(map(len, chunk)) != {len(header)}:
            filled = [place for place, cells in enumerate(chunk) if any(map(str.strip, cells))]
            numbers, chunk = numbers[filled], [chunk[place] for place in filled]
            lengths = zip(numbers.tolist(), map(len, chunk), strict=True)
            wrong |= {row: length for row, length in lengths if length != len(header)}
            if wrong:
                continue
        rows.append(numbers)
        for key, place in matched.items():
            same = seen[key]  # one string for equal cells: a million rows repeat a few thousand names
            columns[key].extend([same.setdefault(cells[place], cells[place]) for cells in chunk])
    check_lengths(path, wrong, len(header))
    texts = {key: _stripped(cells) for key, cells in columns.items()}
    return texts, np.concatenate(rows) if rows else np.zeros(0, dtype=int)


def _read_sheet(
    content: Content, aliases: Aliases, needed: Needed, options: Options, what: str
) -> tuple[LongTable, list[Remark]]:
    rows, others = open_rows(content, lambda head: find_header(head, aliases, needed) >= 0, options.sheet, what)
    above = find_header(rows.texts, aliases, needed)
    header = rows.texts[above]
    check_header(rows.where, above + 1, header, aliases)
    matched = match_header(header, aliases)
    body = range(above + 1, len(rows.texts))
    texts = {key: _stripped([rows.texts[row][place] for row in body]) for key, place in matched.items()}
    native = {key: np.array([rows.native[row][place] for row in body], dtype=bool) for key, place in matched.items()}
    headers = {key: header[place] for key, place in matched.items()}
    table = LongTable(content.path, rows.sheet, headers, texts, native, np.arange(above + 2, len(rows.texts) + 1))
    table, remarks = _without_headers(_without_blank_rows(table))
    return table, [*remarks, *sheet_remark(rows.sheet, others, what)]


def sheet_remark(sheet: str | None, others: Sequence[str], what: str) -> list[Remark]:
    """Says which sheet was read where a workbook has others."""
    if not others:
        return []
    message = f"sheet {sheet!r} was read; {listed(others)} was not: no {what} there"
    return [Remark("sheet_read", message, "note", "nothing")]


def _read_parquet(content: Content, aliases: Aliases, needed: Needed, what: str) -> LongTable:
    names = parquet_names(content)
    matched = match_header(names, aliases)
    if not has_needed(matched, needed):
        raise refuse(content.path, "", f"has no {what}")
    check_header(content.path, 1, names, aliases)
    try:
        table = pq.read_table(io.BytesIO(content.raw), columns=[names[place] for place in matched.values()])
    except (pa.ArrowException, OSError) as error:
        raise Unreadable(f"is a Parquet file that cannot be read: {error}") from error
    texts, native = {}, {}
    for key, place in matched.items():
        texts[key], numbers = parquet_column(table.column(names[place]), names[place])
        native[key] = np.full(table.num_rows, numbers)
    headers = {key: names[place] for key, place in matched.items()}
    # the names count as row 1, as in the same table saved as text
    return LongTable(content.path, None, headers, texts, native, np.arange(2, table.num_rows + 2))


def _stripped(cells: Sequence[str]) -> np.ndarray:
    codes, unique = pd.factorize(np.array(cells, dtype=object))
    return np.array([*(str(cell).strip() for cell in unique), ""], dtype=object)[codes]


def _without_blank_rows(table: LongTable) -> LongTable:
    blank = np.ones(len(table), dtype=bool)
    for cells in table.texts.values():
        blank &= cells == ""
        if not blank.any():
            return table
    return table.take(~blank) if blank.any() else table


def _without_headers(table: LongTable) -> tuple[LongTable, list[Remark]]:
    """Without lines that say the header again, as in files put one below the other."""
    again = np.ones(len(table), dtype=bool)
    for key, cells in table.texts.items():
        again &= cells == table.headers[key]
        if not again.any():
            return table, []
    rows = [str(row) for row in table.rows[again]]
    remark = Remark("repeated_lines", f"the header stands again in row {listed(rows)}; passed over", "note", "nothing")
    return table.take(~again), [remark]


def read_numbers(
    table: LongTable, keys: Sequence[str], options: Options, floors: Mapping[str, float] | None = None
) -> dict[str, Parsed]:
    """Columns that hold numbers, with the one decimal sign of the file.

    Parameters: `keys`, those to read (absent ones are gaps); `floors`, smallest value per key, 0 unless given.
    Raises Problems that name each cell which is no number.
    """
    present = [key for key in keys if key in table.texts]
    written = [table.texts[key][~table.native[key]] for key in present]
    unique = [str(cell) for cells in written for cell in pd.unique(pd.Series(cells, dtype=object))]
    decimal = decimal_sign(table.where, unique, options.decimal, lambda cell: _place(table, present, cell))
    parsed: dict[str, Parsed] = {}
    problems: list[Problem] = []
    for key in keys:
        cells = table.text(key)
        native = table.native.get(key)
        parsed[key] = parse_cells(cells, decimal, native, (floors or {}).get(key, 0.0))
        for place, advice in itertools.islice(parsed[key].mistakes.items(), PROBLEMS_SHOWN):
            at = f"row {table.rows[place]}, column {table.headers[key]!r}"
            problems.append(Problem(table.where, at, f"{cells[place]!r} {advice}"))
        if len(parsed[key].mistakes) > PROBLEMS_SHOWN:
            message = f"and {len(parsed[key].mistakes) - PROBLEMS_SHOWN} more cells that are no numbers"
            problems.append(Problem(table.where, f"column {table.headers[key]!r}", message))
    if problems:
        raise Problems(problems)
    return parsed


def _place(table: LongTable, keys: Sequence[str], cell: str) -> str:
    """Where a text stands that is to be a number."""
    for key in keys:
        holds = (table.texts[key] == cell) & ~table.native[key]
        if holds.any():
            return f"row {table.rows[int(np.flatnonzero(holds)[0])]}, column {table.headers[key]!r}"
    return repr(cell)


def map_texts(cells: np.ndarray, meaning: Mapping[str, str], default: str | None = None) -> np.ndarray:
    """Cells by what they mean, letter case and punctuation aside; others stay as they are, or are the default."""
    codes, unique = pd.factorize(cells)
    words = [meaning.get(fold(str(cell)), str(cell) if default is None else default) for cell in unique]
    return np.array([*words, ""], dtype=object)[codes]


def well_names(cells: np.ndarray) -> np.ndarray:
    """A1 for a1, A1 and A01; whatever is no well stays as written."""
    codes, unique = pd.factorize(cells)
    words = [_WELL.sub(lambda found: found[1].upper() + found[2], str(cell)) for cell in unique]
    return np.array([*words, ""], dtype=object)[codes]
