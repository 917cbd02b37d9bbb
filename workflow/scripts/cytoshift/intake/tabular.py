"""What does a table file say, cell by cell, as text, and in which row of the file does each cell stand?"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cytoshift.intake.texts import Unreadable, read_delimited
from cytoshift.intake.workbooks import Typed, read_parquet, read_workbook
from cytoshift.study.problem import Problem, Problems, did_you_mean

TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".parquet")
_WORKBOOK_MARKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
# left by a spreadsheet that has the file open, or by the operating system
_NO_TABLES = re.compile(r"~\$.*|\.~lock.*|\._.*|\.DS_Store|Thumbs\.db|desktop\.ini", re.IGNORECASE)
_LONG_ROWS_SHOWN = 20
_LONE_RETURN = re.compile(r"\r(?!\n)")


@dataclass(frozen=True)
class Grid:
    """A table as text.

    `frame` is indexed by the row in the file (the first line or sheet row is 1); a header that occurs again is
    "Name (2)" there and `headers` keeps it as written. `native` flags cells that were numbers or dates, not text.
    """

    path: str
    sheet: str | None
    frame: pd.DataFrame
    headers: dict[str, str]
    native: pd.DataFrame

    @property
    def where(self) -> str:
        """The file, and the sheet where one was chosen."""
        return f"{self.path} [{self.sheet}]" if self.sheet else self.path

    def rows(self, keep: pd.Series) -> Grid:
        """The same table with only the rows flagged in `keep` (indexed like `frame`)."""
        return replace(self, frame=self.frame[keep], native=self.native[keep])

    def repeated_headers(self) -> list[str]:
        """Headers written more than once."""
        written = pd.Series(list(self.headers.values()), dtype=object)
        return list(pd.unique(written[written.duplicated()]))


def find_files(pattern: str) -> list[str]:
    """Files a path or glob names, sorted; Problems when there are none, with the nearest name in that folder.

    A glob passes over lock files of spreadsheets and files of the operating system.
    """
    path = Path(pattern)
    if path.is_file():
        return [pattern]
    # Path.glob takes no absolute pattern
    found = sorted(name for name in glob.glob(pattern, recursive=True) if _is_table(Path(name)))  # noqa: PTH207
    if found:
        return found
    if path.is_dir():
        raise Problems([Problem(pattern, "", "is a folder; name its files, e.g. " + str(path / "*.csv"))])
    folder = path.parent
    if not folder.is_dir():
        raise Problems([Problem(pattern, "", f"not found: there is no folder {str(folder)!r}")])
    tables = sorted(item.name for item in folder.iterdir() if item.suffix.lower() in TABLE_SUFFIXES and _is_table(item))
    message = "matches no file" if glob.has_magic(pattern) else "not found"
    listed = f"; the folder holds {_listed(tables)}" if tables else "; the folder holds no tables"
    raise Problems([Problem(pattern, "", message + listed + did_you_mean(path.name, tables))])


def _is_table(path: Path) -> bool:
    return path.is_file() and not _NO_TABLES.fullmatch(path.name)


def read_grid(path: str, sheet: str | None = None, content: bytes | None = None) -> Grid:
    """Read one table file.

    Parameters: `path`, a CSV, TSV or TXT file, a workbook (XLSX, XLS, XLSB, ODS) or Parquet, told apart by content;
    `sheet`, sheet of a workbook, the first when None; `content`, the file's bytes if they were read already.
    Returns the grid; its first row that is not blank is the header. Raises Problems, naming the file.
    """
    where = f"{path} [{sheet}]" if sheet else path
    try:
        content = Path(path).read_bytes() if content is None else content
        typed = _read_rows(content, sheet)
    except (Unreadable, OSError) as error:
        raise Problems([Problem(path, "", str(error))]) from error
    filled = [place for place, row in enumerate(typed.rows) if any(map(str.strip, row))]
    if not filled:
        raise Problems([Problem(where, "", "is empty")])
    header = [" ".join(cell.split()) for cell in typed.rows[filled[0]]]
    while header and not header[-1] and not _has_data(typed.rows, filled[1:], len(header) - 1):
        header.pop()
    _check_lengths(where, header, typed.rows, filled)
    return _as_grid(path, sheet, header, typed, filled[1:])


def _read_rows(content: bytes, sheet: str | None) -> Typed:
    if content.startswith(b"PAR1"):
        return read_parquet(content)
    if content.startswith(_WORKBOOK_MARKS):
        return read_workbook(content, sheet)
    if sheet is not None:
        raise Unreadable(f"is a text file and has no sheet {sheet!r}; leave `sheet` out")
    return Typed(read_delimited(content).rows, [])


def _has_data(rows: list[list[str]], places: list[int], column: int) -> bool:
    return any(len(rows[place]) > column and rows[place][column].strip() for place in places)


def _check_lengths(where: str, header: list[str], rows: list[list[str]], filled: list[int]) -> None:
    width = len(header)
    extra = [
        place for place in filled[1:] if len(rows[place]) > width and any(cell.strip() for cell in rows[place][width:])
    ]
    if not extra:
        return
    if len(extra) == len(filled) - 1 and all(len(rows[place]) == width + 1 for place in extra):
        message = "the header has one name fewer than the rows have fields: name the first column (R's row names?)"
        raise Problems([Problem(where, f"row {filled[0] + 1}", message)])
    problems = [
        Problem(
            where,
            f"row {place + 1}",
            f"has {len(rows[place])} fields where the header has {width}: an unquoted separator in a cell?",
        )
        for place in extra[:_LONG_ROWS_SHOWN]
    ]
    if len(extra) > _LONG_ROWS_SHOWN:
        problems.append(Problem(where, "…", f"and {len(extra) - _LONG_ROWS_SHOWN} more rows with too many fields"))
    raise Problems(problems)


def _as_grid(path: str, sheet: str | None, header: list[str], typed: Typed, places: list[int]) -> Grid:
    width = len(header)
    names = _unique_names(header)
    index = pd.Index([place + 1 for place in places], name="source_row", dtype="int64")
    cells = _columns([typed.rows[place] for place in places], width, "")
    frame = pd.DataFrame(dict(zip(names, map(_stripped, cells), strict=True)), index=index, dtype=object)
    flags = np.zeros((len(places), width), dtype=bool)
    if typed.native:
        for column, native in enumerate(_columns([typed.native[place] for place in places], width, False)):
            flags[:, column] = native
    native_frame = pd.DataFrame(flags, index=index, columns=names)
    return Grid(path, sheet, frame, dict(zip(names, header, strict=True)), native_frame)


def _columns(rows: list[list], width: int, filler: str | bool) -> list[tuple]:
    if not rows:
        return [()] * width
    padded = [row if len(row) == width else (row + [filler] * width)[:width] for row in rows]
    return list(zip(*padded, strict=True))


def _stripped(cells: Iterable[str]) -> list[str]:
    # a carriage return alone inside a text would end a row in whatever is written from it
    return [(_LONE_RETURN.sub(" ", cell) if "\r" in cell else cell).strip() for cell in cells]


def _unique_names(header: list[str]) -> list[str]:
    names: list[str] = []
    used: set[str] = set()
    taken = set(header)
    for place, written in enumerate(header):
        name, number = written or f"column {place + 1} without a name", 1
        while name in used or (number > 1 and name in taken):
            number += 1
            name = f"{written} ({number})"
        names.append(name)
        used.add(name)
    return names


def _listed(names: list[str], most: int = 12) -> str:
    shown = ", ".join(names[:most])
    return f"{shown}, … ({len(names)} in all)" if len(names) > most else shown
