"""Where in a file does a vendor's table stand, under which header, and did the file arrive whole?"""

from __future__ import annotations

import contextlib
import csv
import functools
import io
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.readout import refuse
from cytoshift.intake.texts import SEPARATORS, Unreadable
from cytoshift.intake.workbooks import as_text
from cytoshift.study.problem import Problem, Problems, did_you_mean

# what a column is called here → how vendors write it, letter case, spaces and punctuation aside
Aliases = Mapping[str, tuple[str, ...]]
# every group needs one of its columns
Needed = Sequence[tuple[str, ...]]
# do the first rows look like the table's?
Suits = Callable[[list[list[str]]], bool]
HEADER_WITHIN = 60
_HEAD_LENGTH = 1_000_000
PROBLEMS_SHOWN = 20
_EXPORTER_NAME = re.compile(r"Unnamed: [0-9]+")  # pandas writes it where a header is blank


@dataclass(frozen=True)
class Rows:
    """Cells of a text or a sheet as stripped text; row i of the list is line or sheet row i + 1."""

    path: str
    sheet: str | None
    texts: list[list[str]]
    native: list[list[bool]]  # cells that were numbers or dates, not text; empty for text files
    separator: str = ""

    @property
    def where(self) -> str:
        """The file, and the sheet where it has sheets."""
        return f"{self.path} [{self.sheet}]" if self.sheet else self.path

    def column_name(self, header: str) -> str:
        """A column as a person finds it."""
        return f"{self.sheet}!{header}" if self.sheet else header


@functools.lru_cache(maxsize=10_000)
def fold(header: str) -> str:
    """A header without letter case, spaces and punctuation, % aside."""
    return "".join(sign for sign in header.casefold() if sign.isalnum() or sign == "%")


def match_header(cells: Sequence[str], aliases: Aliases) -> dict[str, int]:
    """Columns of a header row by what they are called here; of two that mean the same, the first."""
    known = {name: key for key, names in aliases.items() for name in names}
    found: dict[str, int] = {}
    for place, cell in enumerate(cells):
        key = known.get(fold(cell)) if cell else None
        if key is not None:
            found.setdefault(key, place)
    return found


def check_header(where: str, row: int, cells: Sequence[str], aliases: Aliases) -> None:
    """Raise Problems where two columns mean the same: nobody could say which one is meant."""
    matched = match_header(cells, aliases)
    for key, place in matched.items():
        twice = [cell for at, cell in enumerate(cells) if at != place and cell and fold(cell) in aliases[key]]
        if twice:
            message = f"columns {cells[place]!r} and {twice[0]!r} say the same; delete or rename one"
            raise refuse(where, f"row {row}", message)


def has_needed(matched: Mapping[str, int], needed: Needed) -> bool:
    """Does a header have one column of every group?"""
    return all(any(key in matched for key in group) for group in needed)


def find_header(rows: Sequence[Sequence[str]], aliases: Aliases, needed: Needed) -> int:
    """Place of the first row that is the header, −1 where there is none in the first rows."""
    for place, cells in enumerate(rows[:HEADER_WITHIN]):
        if has_needed(match_header([cell.strip() for cell in cells], aliases), needed):
            return place
    return -1


def require_whole(content: Content) -> None:
    """Raise Problems for a text whose last line has no end, which is how a file looks that was cut off."""
    if not content.ends_with_line_end:
        raise refuse(
            content.path,
            "last line",
            "has no line end, so the file may have been cut off; export it again, or add a line break if the line is "
            "complete",
        )


def text_lines(text: str) -> Iterator[str]:
    """Lines of a text whatever ends them, one at a time: a long table is never held twice."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    start = 0
    while (end := text.find("\n", start)) >= 0:
        yield text[start : end + 1]
        start = end + 1
    if start < len(text):
        yield text[start:]


def csv_rows(text: str, separator: str) -> Iterator[list[str]]:
    """Rows of a separated text. Raises Unreadable where a quotation mark does not close."""
    reader = csv.reader(text_lines(text), delimiter=separator, strict=True)
    try:
        yield from reader
    except csv.Error as error:
        message = f"line {reader.line_num} is not separated text: {error} (is a quotation mark open?)"
        raise Unreadable(message) from error


def find_separator(text: str, suits: Suits) -> str:
    """The separator with which the first rows hold what is looked for; '' where none does."""
    for separator in SEPARATORS:
        head: list[list[str]] = []
        # the cut may fall into quotation marks; what stands before it decides
        with contextlib.suppress(Unreadable):
            for row in itertools.islice(csv_rows(text[:_HEAD_LENGTH], separator), HEADER_WITHIN):
                head += [[cell.strip() for cell in row]]
        if suits(head):
            return separator
    return ""


def sniff_table(content: Content, suits: Suits) -> str:
    """Where rows that suit stand ("its header", "the header of sheet 'x'", "its schema"); '' for nowhere."""
    if content.kind == "text":
        return "its header" if find_separator(content.text, suits) else ""
    if content.kind == "workbook":
        named = _suitable_sheets(content, suits)
        return f"the header of sheet {named[0]!r}" if named else ""
    if content.kind == "parquet":
        return "its schema" if suits([parquet_names(content)]) else ""
    return ""


def parquet_names(content: Content) -> list[str]:
    """Column names of a Parquet file; none where it is broken."""
    try:
        return list(map(str, pq.read_schema(io.BytesIO(content.raw)).names))
    except (pa.ArrowException, OSError):
        return []


def _suitable_sheets(content: Content, suits: Suits) -> list[str]:
    try:
        sheets = content.sheets
    except Unreadable:
        return []
    return [name for name, cells in sheets.items() if suits([_as_texts(row) for row in cells[:HEADER_WITHIN]])]


def open_rows(content: Content, suits: Suits, sheet: str | None, what: str) -> tuple[Rows, list[str]]:
    """The rows that hold a table, and the names of the workbook's other sheets.

    Parameters: `suits` says whether the first rows are the table's; `sheet`, the one named in the study file; `what`,
    the table in words, for messages. Raises Problems where there is none, where several sheets suit, and for a text
    whose last line has no end.
    """
    if content.kind == "workbook":
        name = choose_sheet(content, suits, sheet, what)
        cells = content.sheets[name]
        native = [[not isinstance(cell, str) for cell in row] for row in cells]
        others = [other for other in content.sheets if other != name]
        return Rows(content.path, name, [_as_texts(row) for row in cells], native), others
    if sheet is not None:
        raise refuse(content.path, "", f"is no workbook and has no sheet {sheet!r}; leave `sheet` out")
    separator = find_separator(content.text, suits)
    if not separator:
        raise refuse(content.path, "", f"has no {what} separated by tabs, semicolons or commas")
    require_whole(content)
    texts = [[cell.strip() for cell in row] for row in csv_rows(content.text, separator)]
    return Rows(content.path, None, texts, [], separator), []


def choose_sheet(content: Content, suits: Suits, sheet: str | None, what: str) -> str:
    """The sheet that holds the table: the one named, otherwise the only one that suits; else Problems."""
    names = list(content.sheets)
    if sheet is not None and sheet not in names:
        message = f"has no sheet {sheet!r}; legal: {', '.join(names)}{did_you_mean(sheet, names)}"
        raise refuse(content.path, "sheet", message)
    suitable = [name for name in _suitable_sheets(content, suits) if sheet in (None, name)]
    if not suitable:
        found = f"sheet {sheet!r} has" if sheet else f"none of the sheets {', '.join(names)} has"
        raise refuse(content.path, "sheet", f"{found} a {what}" if not sheet else f"{found} no {what}")
    if len(suitable) > 1:
        message = f"sheets {', '.join(map(repr, suitable))} each hold a {what}; say which with `sheet`"
        raise refuse(content.path, "sheet", message)
    return suitable[0]


def _as_texts(row: list[Any]) -> list[str]:
    texts = [as_text(cell).strip() for cell in row]
    return ["" if _EXPORTER_NAME.fullmatch(text) else text for text in texts]


def check_lengths(where: str, lengths: Mapping[int, int], width: int) -> None:
    """Raise Problems for rows (row number → fields) that have not as many fields as the header."""
    if not lengths:
        return
    shown = itertools.islice(lengths.items(), PROBLEMS_SHOWN)
    problems = [
        Problem(
            where,
            f"row {row}",
            f"has {fields} fields where the header has {width}: a decimal comma or separator that is not quoted, or a "
            "line that was cut off; export the file again",
        )
        for row, fields in shown
    ]
    if len(lengths) > PROBLEMS_SHOWN:
        message = f"and {len(lengths) - PROBLEMS_SHOWN} more rows with another number of fields"
        problems.append(Problem(where, "rows", message))
    raise Problems(problems)


def read_plain_columns(
    text: str, separator: str, above: int, width: int, places: Sequence[int]
) -> list[np.ndarray] | None:
    """Columns of a separated text without quotation marks, quickly, stripped; None where its rows are not all alike.

    `above` counts the lines down to the header, which has `width` fields; `places` are the columns wanted. Whatever
    is out of the ordinary is left to a reader that can say in which row.
    """
    if '"' in text:
        return None
    names = [str(place) for place in range(width)]
    try:
        table = pacsv.read_csv(
            io.BytesIO(text.encode()),
            pacsv.ReadOptions(column_names=names, skip_rows=above, encoding="utf8"),
            pacsv.ParseOptions(delimiter=separator, quote_char=False, ignore_empty_lines=False),
            pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=[names[place] for place in places],
                strings_can_be_null=False,
            ),
        )
    except (pa.ArrowException, UnicodeEncodeError):
        return None
    return [parquet_column(table.column(names[place]), names[place])[0] for place in places]


def parquet_column(column: Any, name: str) -> tuple[np.ndarray, bool]:
    """One column of a Parquet table as text ('' for null), and whether it held numbers.

    Raises Unreadable for columns of lists, records or bytes.
    """
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise Unreadable(f"column {name!r} holds {kind}, which is not one value per cell")
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        encoded = column.cast(kind).combine_chunks().dictionary_encode()
        words = np.array([str(word).strip() for word in encoded.dictionary.to_pylist()] + [""], dtype=object)
        places = encoded.indices.fill_null(len(words) - 1).to_numpy(zero_copy_only=False)
        return words[places], False
    numeric = pa.types.is_floating(kind) or pa.types.is_integer(kind)
    values = column.cast(kind).to_numpy() if numeric else np.array(column.to_pylist(), dtype=object)
    codes, unique = pd.factorize(values)
    words = np.array([*(as_text(value) for value in unique), ""], dtype=object)
    return words[codes], True
