"""What does each row of a Bio-Plex Manager export say, once rows are complete, unique and typed?"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cytoshift.intake.instruments.bioplex_curve import Stated
from cytoshift.intake.instruments.bioplex_sheets import NAMES, TYPE
from cytoshift.intake.instruments.readout import Decimal, Remark
from cytoshift.intake.values import parse_cells
from cytoshift.study.problem import Problem

NUMBERS = ("fi", "net", "sd", "cv", "expected", "recovery", "dilution", "beads", "outlier")
_MOST_LINES = 10  # of one kind of mistake
_ERRORS = {
    "1": "low bead number",
    "2": "aggregated beads",
    "3": "classification",
    "4": "region selection",
    "5": "platform temperature",
}


@dataclass(frozen=True)
class Cell:
    """A cell as text, whether it was a number, and where it stands: sheet row, and "sheet!heading"."""

    text: str
    native: bool
    row: int
    column: str


@dataclass
class DataRow:
    """One well (or pooled wells) × analyte; `cells` by kind (bioplex_sheets.NAMES); `note` why a value is absent."""

    plate: str
    analyte: str
    role: str
    label: str
    well: str
    description: str
    cells: dict[str, Cell]
    place: str
    external: bool = False
    note: str = ""


@dataclass(frozen=True)
class StatedCurve:
    """The curve a file states for an analyte: as read, as written, and the regression's name."""

    plate: str
    analyte: str
    curve: Stated
    written: str


@dataclass
class Found:
    """What one layout's reader found, before any number is read."""

    rows: list[DataRow] = field(default_factory=list)
    curves: list[StatedCurve] = field(default_factory=list)
    about: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    formula_numbers: list[str] = field(default_factory=list)


def role_of(type_text: str) -> tuple[str, bool] | None:
    """Role B, S, C or X of a type as written ("S1"), and whether it is an external standard ("eS1"); else None."""
    found = TYPE.fullmatch(type_text)
    if not found:
        return None
    letter = found[2].upper()
    return ("X" if letter == "U" else letter), bool(found[1])


def merge_rows(rows: Iterable[DataRow], path: str) -> tuple[list[DataRow], int, list[Problem]]:
    """One row per plate × analyte × well, how many identical rows were dropped, and contradictions as problems."""
    kept: dict[tuple[str, str, str], DataRow] = {}
    dropped, problems = 0, []
    for row in rows:
        key = (row.plate, row.analyte, row.well)
        first = kept.setdefault(key, row)
        if first is row:
            continue
        against = _contradiction(first, row)
        if against:
            problems.append(
                Problem(
                    path,
                    f"{row.place}, well {row.well}, {row.analyte}",
                    f"{against} in {first.place}; one well of an analyte has one row: delete the wrong one",
                )
            )
            continue
        new = {kind: cell for kind, cell in row.cells.items() if kind not in first.cells}
        dropped += not new
        first.cells.update(new)
        first.description = first.description or row.description
    return list(kept.values()), dropped, problems


def _contradiction(first: DataRow, row: DataRow) -> str:
    if (first.label, first.role) != (row.label, row.role):
        return f"type is {row.label} but {first.label}"
    if first.description and row.description and first.description != row.description:
        return f"description is {row.description!r} but {first.description!r}"
    for kind, cell in row.cells.items():
        other = first.cells.get(kind)
        if other is not None and other.text != cell.text:
            return f"{NAMES.get(kind, kind)} is {cell.text!r} but {other.text!r}"
    return ""


def complete_descriptions(rows: list[DataRow]) -> int:
    """Give rows without a description the one that their well has with other analytes; returns how many got one."""
    said: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for row in rows:
        if row.description:
            said[row.plate, row.label, row.well].add(row.description)
    filled = 0
    for row in rows:
        names = said.get((row.plate, row.label, row.well), set())
        if not row.description and len(names) == 1:
            row.description = next(iter(names))
            filled += 1
    return filled


def number_texts(rows: Iterable[DataRow]) -> list[str]:
    """Texts of all cells that should be numbers and are stored as text."""
    return [cell.text for row in rows for kind, cell in row.cells.items() if not cell.native and kind != "errors"]


def typed_frame(rows: list[DataRow], decimal: Decimal, path: str) -> tuple[pd.DataFrame, list[Problem]]:
    """Numbers of merged rows, one row each, in their order.

    Returns plate, analyte, role, label, external, well, description, note; numbers of every kind in NUMBERS;
    value, lower, upper, status, open_limit of Obs Conc; `reason`; `source_row`, `source_column`; and the problems.
    """
    columns: dict[str, np.ndarray] = {
        name: np.array([getattr(row, name) for row in rows], dtype=object)
        for name in ("plate", "analyte", "role", "label", "well", "description", "note")
    }
    columns["external"] = np.array([row.external for row in rows], dtype=bool)
    problems: list[Problem] = []
    texts: dict[str, np.ndarray] = {}
    for kind in (*NUMBERS, "observed"):
        cells = [row.cells.get(kind) for row in rows]
        texts[kind] = np.array([cell.text if cell else "" for cell in cells], dtype=object)
        native = np.array([cell.native if cell else False for cell in cells], dtype=bool)
        parsed = parse_cells(texts[kind], decimal, native)
        wrong = dict(parsed.mistakes)
        if kind == "observed":
            columns |= {name: getattr(parsed, name) for name in ("value", "lower", "upper", "status", "open_limit")}
        else:
            columns[kind] = parsed.value
            for place in np.flatnonzero(~np.isin(parsed.status, ("observed", "missing"))).tolist():
                wrong.setdefault(place, "is a bound or extrapolated; only Obs Conc may be one")
        problems += _lines(wrong, cells, rows, kind, path)
    crossed = (texts["fi"] == "---") | (texts["observed"] == "---")
    columns["outlier"] = (np.nan_to_num(columns["outlier"]) != 0) | crossed
    columns["reason"] = _reasons(columns, texts, rows)
    source = [_source(row, missing) for row, missing in zip(rows, columns["status"] == "missing", strict=True)]
    columns["source_row"] = np.array([cell.row for cell in source], dtype=int)
    columns["source_column"] = np.array([cell.column for cell in source], dtype=object)
    return pd.DataFrame(columns), problems


def _source(row: DataRow, missing: bool) -> Cell:
    """Where a row's value stands, or its signal where it has none."""
    order = ("fi", "observed", "net") if missing else ("observed", "fi", "net")
    return next((row.cells[kind] for kind in order if kind in row.cells), next(iter(row.cells.values())))


def _lines(wrong: dict[int, str], cells: list[Cell | None], rows: list[DataRow], kind: str, path: str) -> list[Problem]:
    lines = []
    for place in sorted(wrong)[:_MOST_LINES]:
        cell = cells[place]
        if cell is not None:
            key = f"row {cell.row}, {cell.column}, well {rows[place].well}"
            lines.append(Problem(path, key, f"{cell.text!r} {wrong[place]}"))
    rest = len(wrong) - _MOST_LINES
    if rest > 0:
        lines.append(Problem(path, NAMES[kind], f"{rest} more cells cannot be read as numbers either"))
    return lines


def _reasons(columns: dict[str, np.ndarray], texts: dict[str, np.ndarray], rows: list[DataRow]) -> np.ndarray:
    """Why a value is absent, and what the software remarks of the sampling."""
    missing, role, note = columns["status"] == "missing", columns["role"], columns["note"]
    why = np.select(
        [
            ~missing,
            note != "",
            (texts["fi"] == "***") & (texts["observed"] != ""),
            columns["outlier"] & (texts["observed"] != "***"),
            texts["observed"] == "***",
            role == "B",
        ],
        [
            "",
            note,
            "well not read (***)",
            "marked as an outlier (---)",
            "value not available (***)",
            "a blank has no concentration",
        ],
        "no concentration in the file",
    ).astype(object)
    sampling = np.array([_sampling(row.cells.get("errors")) for row in rows], dtype=object)
    joined = np.where((why != "") & (sampling != ""), why + "; " + sampling, why + sampling)
    return np.asarray(joined, dtype=object)


def _sampling(cell: Cell | None) -> str:
    codes = re.findall(r"[1-5]", cell.text) if cell else []
    return "sampling error: " + ", ".join(_ERRORS[code] for code in sorted(set(codes))) if codes else ""


def gaps(labels: Iterable[str]) -> list[str]:
    """Labels that a numbered series of types leaves out: X1, X2, X4 leave out X3."""
    numbers: dict[str, set[int]] = defaultdict(set)
    for label in labels:
        found = TYPE.fullmatch(label)
        if found and found[3] and not found[1]:
            numbers[found[2].upper()].add(int(found[3]))
    return [
        f"{letter}{number}"
        for letter in sorted(numbers)
        if max(numbers[letter]) <= 10_000
        for number in sorted(set(range(1, max(numbers[letter]))) - numbers[letter])
    ]
