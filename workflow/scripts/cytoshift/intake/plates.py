"""Which plate does each file or row belong to, what lies in its wells, and when and with which lot was it run?"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from cytoshift.frames import conform
from cytoshift.intake.columns import find_column
from cytoshift.intake.layouts import Layout, read_layout
from cytoshift.intake.notebook import Notebook
from cytoshift.intake.tabular import Grid
from cytoshift.intake.values import parse_cells
from cytoshift.intake.words import canonical
from cytoshift.study.problem import Problems
from cytoshift.study.sources import CytokineSource
from cytoshift.tables import PLATES

_FACTS = ("batch", "lot", "run_date")


class PlateFile:
    """The plates file of a source, or nothing where the study file names none."""

    def __init__(self, source: CytokineSource, notebook: Notebook) -> None:
        self._source, self._notebook = source, notebook
        self._rows = pd.DataFrame(columns=["file", "plate", "layout", *_FACTS])
        self._where = source.plates or ""
        self._layouts: dict[str, Layout | None] = {}
        self._seen: dict[str, str] = {}
        self._run_dates: dict[str, str] = {}
        grids = notebook.grids([source.plates], None) if source.plates else []
        if grids:
            self._rows = self._read(grids[0])

    def _read(self, grid: Grid) -> pd.DataFrame:
        try:
            columns = {"plate": find_column(grid, "plate", f"{self._source.id}.plates")}
            if self._source.columns is None or self._source.columns.plate is None:
                columns["file"] = find_column(grid, "file", f"{self._source.id}.plates")
        except Problems as problems:
            self._notebook.add(problems)
            return self._rows
        columns |= {name: name for name in ("file", "layout", *_FACTS) if name in grid.headers}
        rows = pd.DataFrame({name: grid.frame[column] for name, column in columns.items()}, dtype=object)
        for row in rows.index[rows["plate"] == ""]:
            self._notebook.problem(grid.where, f"row {row}", "has no plate", "plates")
        return rows.reindex(columns=self._rows.columns, fill_value="")

    def plate_of_file(self, path: str, several_files: bool) -> str:
        """Plate of a data file: as the plates file says, otherwise the file's name where there are several files."""
        if self._source.plates is None:
            return PurePosixPath(path).stem if several_files else ""
        matches = self._rows[[_names(pattern, path) for pattern in self._rows["file"]]]
        if len(matches) != 1:
            what = "names no plate for" if matches.empty else f"names {len(matches)} plates for"
            self._notebook.problem(self._where, "file", f"{what} {path}", "plates")
            return ""
        return str(matches["plate"].iloc[0])

    def layout(self, plate: str) -> Layout | None:
        """The layout of a plate, if the plates file names one."""
        if plate not in self._layouts:
            row = self._row(plate)
            named = str(row["layout"]) if row is not None else ""
            self._layouts[plate] = self._read_layout(named) if named else None
        return self._layouts[plate]

    def _read_layout(self, named: str) -> Layout | None:
        beside = Path(self._where).parent / named
        path = str(beside) if beside.is_file() and not Path(named).is_file() else named
        contents = self._notebook.contents([path])
        if not contents:
            return None
        try:
            layout = read_layout(contents[0])
        except Problems as problems:
            self._notebook.add(problems)
            return None
        for remark in layout.remarks:
            self._notebook.finding(
                remark.check,
                f"{path}: {remark.message}",
                severity=remark.severity,
                action=remark.action,
                numbers=remark.numbers,
            )
        return layout

    def note(self, plates: pd.Series, path: str) -> None:
        """Remember plates seen in a file; one that the plates file does not know is a problem."""
        for plate in pd.unique(plates):
            self._seen.setdefault(plate, path)
            if self._source.plates and plate and self._row(plate) is None and not self._rows.empty:
                self._notebook.problem(self._where, "plate", f"plate {plate!r} of {path} is not in it", "plates")

    def note_run_date(self, plates: Iterable[str], date: str) -> None:
        """Remember the run date that an instrument's file states (ISO 8601); a date in the plates file goes before."""
        self._run_dates.update(dict.fromkeys(plates, date))

    def table(self) -> pd.DataFrame:
        """One row per plate of the source, with batch, lot and run date where they are known."""
        rows = []
        for plate, path in self._seen.items():
            known = self._row(plate)
            facts = {} if known is None else {name: str(known[name]) for name in _FACTS}
            facts["run_date"] = facts.get("run_date") or self._run_dates.get(plate, "")
            rows.append({"source": self._source.id, "plate": plate, "source_file": path, **facts})
        return conform(pd.DataFrame([row for row in rows if row["plate"]]), PLATES)

    def _row(self, plate: str) -> pd.Series | None:
        matches = self._rows[[canonical(text) == canonical(plate) for text in self._rows["plate"]]]
        return None if matches.empty else matches.iloc[0]


def parse_dilutions(grid: Grid, column: str, notebook: Notebook) -> np.ndarray:
    """Dilution factors of a column: "4" and "1:4" are 4-fold; blank is unknown. Others are problems."""
    texts = grid.frame[column]
    factors = texts.str.replace(r"^1\s*[:/]\s*(?=[0-9])", "", regex=True)
    parsed = parse_cells(factors, ".", grid.native[column].to_numpy())
    wrong = ~np.isin(parsed.status, ["observed", "missing"]) | (parsed.value <= 0)
    for place in sorted({*parsed.mistakes, *map(int, np.flatnonzero(wrong))}):
        key = f'row {grid.frame.index[place]}, column "{column}"'
        notebook.problem(grid.where, key, f"{texts.iloc[place]!r} is no dilution; legal: 4 or 1:4", "dilution")
    return np.where(wrong, np.nan, parsed.value)


def _names(pattern: str, path: str) -> bool:
    """Does a name, trailing path or glob of the plates file mean this data file?"""
    parts, wanted = PurePosixPath(path).parts, PurePosixPath(pattern).parts
    trailing = parts[-len(wanted) :] if wanted else ()
    return bool(wanted) and len(trailing) == len(wanted) and all(map(fnmatchcase, trailing, wanted))
