"""Which tables do the user's files hold? Every file and sheet opened, and what was left out, with the reason."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook

from cytoshift.drafting.instruments import SUFFIXES, InstrumentFile, find_instrument
from cytoshift.intake.tabular import TABLE_SUFFIXES, Grid, find_files, read_grid
from cytoshift.study.problem import Problem, Problems

_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")


@dataclass(frozen=True)
class Table:
    """One table of the user's: `path` as the study file will write it, `sheet` only where a workbook has several."""

    path: str
    sheet: str | None
    grid: Grid

    @property
    def where(self) -> str:
        """The file's name, and the sheet where there are several."""
        return self.grid.where


@dataclass(frozen=True)
class Opened:
    """The user's files: tables, files of instruments, and one line for each file or sheet that was left out."""

    tables: list[Table]
    instruments: list[InstrumentFile]
    left_out: list[str]


def open_files(paths: Iterable[str | Path]) -> Opened:
    """Open files, folders (all their tables) and globs; a workbook gives one table per sheet that has rows.

    Everything is in the order named. Raises Problems with one line per file that is not there or cannot be read.
    """
    tables: list[Table] = []
    instruments: list[InstrumentFile] = []
    left_out: list[str] = []
    problems: list[Problem] = []
    for path in _expanded(paths, problems):
        suffix = Path(path).suffix.lower()
        if suffix not in (*TABLE_SUFFIXES, *SUFFIXES):
            left_out.append(f"{path}: is no table; legal: {', '.join((*TABLE_SUFFIXES, *SUFFIXES))}")
            continue
        try:
            instrument = find_instrument(path)
            if instrument is not None:
                instruments.append(instrument)
            elif suffix in SUFFIXES:
                left_out.append(f"{path}: is of no known instrument")
            else:
                tables += _tables_of(path, left_out)
        except Problems as unreadable:
            problems += unreadable.problems
    if problems:
        raise Problems(problems)
    return Opened(tables, instruments, left_out)


def open_as_tables(path: str) -> list[Table]:
    """The tables of one file, whatever instrument wrote it; none where it holds no table."""
    try:
        return _tables_of(path, [])
    except Problems:
        return []


def _expanded(paths: Iterable[str | Path], problems: list[Problem]) -> list[str]:
    """Files named, each once, relative to the current folder where they lie below it."""
    found: dict[str, None] = {}
    for named in map(str, paths):
        if Path(named).is_dir():
            inside = sorted(
                path for path in Path(named).rglob("*") if path.suffix.lower() in (*TABLE_SUFFIXES, *SUFFIXES)
            )
            found |= {_shortened(path): None for path in inside if path.is_file()}
            if not inside:
                problems.append(Problem(named, "", "is a folder without tables"))
            continue
        try:
            found |= {_shortened(Path(file)): None for file in find_files(named)}
        except Problems as missing:
            problems += missing.problems
    return list(found)


def _shortened(path: Path) -> str:
    here = Path.cwd()
    if path.is_absolute() and path.is_relative_to(here):
        return path.relative_to(here).as_posix()
    return path.as_posix()


def _tables_of(path: str, left_out: list[str]) -> list[Table]:
    content = _content(path)
    sheets = _sheet_names(path, content)
    if len(sheets) < 2:
        return [Table(path, None, read_grid(path, None, content))]
    tables = []
    reasons = []
    for sheet in sheets:
        try:
            tables.append(Table(path, sheet, read_grid(path, sheet, content)))
        except Problems as unreadable:
            reasons += unreadable.problems
    if not tables:
        raise Problems(reasons)
    left_out += [str(reason) for reason in reasons]
    return tables


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise Problems([Problem(path, "", error.strerror or "cannot be read")]) from error


def _sheet_names(path: str, content: bytes) -> list[str]:
    if not content.startswith(_WORKBOOKS):
        return []
    try:
        return list(CalamineWorkbook.from_filelike(io.BytesIO(content)).sheet_names)
    except CalamineError as error:
        raise Problems([Problem(path, "", f"is a workbook that cannot be read: {error}")]) from error
