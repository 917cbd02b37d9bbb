"""How are the lines of a Luminex export cut into cells, and what do the cells of its numbers say?

Both layouts (xPONENT's blocks and INTELLIFLEX's rows) share this: quoted or not, comma, semicolon or tab, whatever
the line ends.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.readout import Decimal
from cytoshift.intake.values import Parsed, parse_cells
from cytoshift.study.problem import Problem

_DAY_MONTH_YEAR = re.compile(r"\b([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})\b")
_ISO_DATE = re.compile(r"\b([0-9]{4})-([0-9]{2})-([0-9]{2})\b")


@dataclass(frozen=True)
class Lines:
    """Rows of cells, and for each the number of the line on which it ends, as a person counts."""

    path: str
    rows: list[list[str]]
    numbers: Sequence[int]

    def problem(self, row: int, key: str, message: str) -> Problem:
        """What is wrong with row `row` of the list, named by its line."""
        return Problem(f"{self.path}:{self.numbers[row]}", key, message)


def cut_lines(content: Content, separator: str) -> Lines:
    """The file's rows, with their lines. Raises Unreadable where quotation marks do not close."""
    rows = content.rows(separator)
    text = content.text
    ends = text.count("\n") + text.count("\r") - text.count("\r\n")
    if len(rows) - ends in (0, 1):
        return Lines(content.path, rows, range(1, len(rows) + 1))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    return Lines(content.path, rows, [reader.line_num for _ in reader])


def first_cell(row: list[str]) -> str:
    """The first cell of a row that is not blank."""
    return next(filter(None, map(str.strip, row)), "")


def read_numbers(cells: np.ndarray, decimal: Decimal) -> Parsed:
    """Numbers, bounds and gaps of cell texts of any shape, flat: as `parse_cells`, with plain numbers read at once."""
    flat = cells.ravel()
    texts = flat.tolist()
    joined = "".join(texts)
    if decimal != "." or "_" in joined or not joined.isascii():  # float() would take 1_000 and digits of other scripts
        return parse_cells(flat, decimal)
    value = np.array(list(map(_Numbers().__getitem__, texts)), dtype=float)
    status = np.empty(len(value), dtype=object)
    status.fill("observed")
    status[np.isnan(value)] = "missing"
    without = np.flatnonzero(~np.isfinite(value))
    odd = without[flat[without] != ""]
    if not len(odd):
        return Parsed(value, value, value, status, np.zeros(len(value), dtype=bool))
    lower, upper, open_limit = value.copy(), value.copy(), np.zeros(len(value), dtype=bool)
    parsed = parse_cells(flat[odd], decimal)
    value[odd], lower[odd], upper[odd] = parsed.value, parsed.lower, parsed.upper
    status[odd], open_limit[odd] = parsed.status, parsed.open_limit
    mistakes = {int(odd[place]): advice for place, advice in parsed.mistakes.items()}
    return Parsed(value, lower, upper, status, open_limit, mistakes)


def is_bound(parsed: Parsed) -> np.ndarray:
    """Which cells hold a bound ("< 3", "OOR >") and no number."""
    return np.isnan(parsed.value) & ~(np.isnan(parsed.lower) & np.isnan(parsed.upper))


class _Numbers(dict[str, float]):
    """The number each text is, NaN where it is none; a text that many cells hold is read once."""

    def __missing__(self, text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = np.nan
        self[text] = number
        return number


def read_dates(text: str) -> str:
    """How the dates in one text are written: "dmy", "mdy", or '' where they do not tell.

    A number above 12 shows which of the two is the day; contradicting evidence tells nothing.
    """
    found = list(_DAY_MONTH_YEAR.finditer(text))
    first = any(int(match[1]) > 12 for match in found)
    second = any(int(match[3]) > 12 for match in found)
    return "" if first == second else ("dmy" if first else "mdy")


def iso_date(text: str, order: str) -> str:
    """A date as year-month-day; as written where the order of day and month is not known."""
    if match := _ISO_DATE.search(text):
        return match[0]
    match = _DAY_MONTH_YEAR.search(text)
    if not match or not (order or match[1] == match[3]):
        return text.strip()
    day, month = (match[1], match[3]) if order == "dmy" else (match[3], match[1])
    year = match[4] if len(match[4]) == 4 else f"20{match[4]}"
    return f"{year}-{int(month):02d}-{int(day):02d}" if int(month) <= 12 and int(day) <= 31 else text.strip()
