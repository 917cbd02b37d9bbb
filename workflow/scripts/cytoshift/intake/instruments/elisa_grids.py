"""Which analyte and wavelength is each plate that a sheet draws, and what stands in its wells?"""

from __future__ import annotations

import re

from cytoshift.intake.instruments.elisa_cells import Cells, repeated_rows, rows_beside
from cytoshift.intake.instruments.readout import Remark
from cytoshift.intake.plate_grids import PlateGrid, find_grids
from cytoshift.intake.workbooks import Typed
from cytoshift.study.problem import Problem, Problems
from cytoshift.vocabulary.names import find_analyte

_WAVELENGTH = re.compile(r"(?<![0-9.])([2-9][0-9]{2})(?![0-9.])")
_SPEAKS_OF_LIGHT = re.compile(r"\bnm\b|[0-9]nm\b|\bOD|\bAbs|wavelength|absorbance|density", re.IGNORECASE)
_PLATE = re.compile(r"plate\s*(?:name|id|no\.?|number|#)?\s*[:=]?\s*(?P<name>[\w.-]{1,30})", re.IGNORECASE)
_NO_PLATE = frozenset(
    ("type", "definition", "layout", "reader", "format", "size", "file", "name", "id", "number", "no")
)
_LONGEST_TITLE = 40


def read_grids(rows: Typed, where: str, plate: str, sheet: str) -> tuple[list[Cells], list[Remark]]:
    """All plates drawn in a sheet.

    Parameters: `rows`, its cells; `where`, how messages name it; `plate`, the plate's name where no title gives one;
    `sheet`, its name for the columns, '' in a text. Raises Problems for a plate that is not whole, has no title beside
    others, or has the title of another.
    """
    grids = find_grids(rows, where)
    if not grids:
        message = "column numbers 1 to 12 or 1 to 24 stand over no rows A to H or A to P"
        raise Problems([Problem(where, "", message)])
    parts = _named(grids, plate, sheet)
    _check_titles(parts, grids, where)
    remarks = []
    repeated = [row for grid in grids for row in grid.repeated]
    if repeated:
        remarks.append(repeated_rows(repeated))
    taken = {row for grid in grids for row in grid.rows}
    remarks += rows_beside([row for row in range(1, len(rows.rows) + 1) if row not in taken], rows)
    after = [" ".join(filter(None, row)) for row in rows.rows[max(taken) :]]
    for line in (line for line in after if _wavelength(line)):
        message = f"{line!r} stands below the last plate and over none: is the file whole?"
        remarks.append(Remark("title_without_plate", message, "warning", "flagged"))
    return parts, remarks


def _named(grids: list[PlateGrid], plate: str, sheet: str) -> list[Cells]:
    """The plates, each called by what stands over it: an analyte, its wavelength, both where an analyte has two."""
    titles = [_title(grid) for grid in grids]
    lights: dict[tuple[str, str], set[str]] = {}
    for number, name, light in titles:
        lights.setdefault((number, name), set()).add(light)
    parts = []
    for grid, (number, name, light) in zip(grids, titles, strict=True):
        several = len(lights[number, name]) > 1
        analyte = " ".join(filter(None, (name, light if several or not name else "")))
        wells = {
            well: (text, native, row, f"{sheet}!{_letters(column)}" if sheet else f"column {column}")
            for well, (text, native, row, column) in grid.wells.items()
        }
        parts.append(Cells(number or plate, analyte or ("OD" if len(grids) == 1 or number else ""), wells))
    return parts


def _title(grid: PlateGrid) -> tuple[str, str, str]:
    """Plate, analyte and wavelength that the lines over a plate, its corner or its side name; '' what they do not."""
    lines = [text for text in (grid.corner, grid.side, *grid.above) if text]
    number = next((match["name"] for line in lines if (match := _plate_name(line))), "")
    light = next((found for line in lines if (found := _wavelength(line))), "")
    # right of the rows, or as the title alone, a wavelength needs no unit
    light = light or next((line for line in lines if re.fullmatch(r"[2-9][0-9]{2}", line)), "")
    name = next((line for line in lines if find_analyte(line).id is not None), "")
    nearest = next((line for line in lines[:1] if not _plate_name(line)), "")
    if not name and not light and len(nearest) <= _LONGEST_TITLE:
        name = nearest
    return number, name, f"{light} nm" if light else ""


def _wavelength(line: str) -> str:
    match = _WAVELENGTH.search(line) if _SPEAKS_OF_LIGHT.search(line) else None
    return match[1] if match else ""


def _plate_name(line: str) -> re.Match[str] | None:
    match = _PLATE.fullmatch(line)
    return match if match and match["name"].casefold() not in _NO_PLATE else None


def _letters(column: int) -> str:
    """Column 1 is A, as spreadsheets call it."""
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def _check_titles(parts: list[Cells], grids: list[PlateGrid], where: str) -> None:
    first: dict[tuple[str, str], int] = {}
    problems = []
    for part, grid in zip(parts, grids, strict=True):
        key = (part.plate, part.analyte)
        if not part.analyte:
            message = "nothing over the plate drawn here says which it is: write over each, e.g. '450 nm' or 'Plate 2'"
            problems.append(Problem(where, f"row {grid.first_row}", message))
            continue
        known = first.setdefault(key, grid.first_row)
        if known != grid.first_row:
            said = " of ".join(filter(None, (part.analyte, part.plate and f"plate {part.plate}")))
            message = (
                f"the plate drawn here is {said}, like the one in row {known}: write over each what it is, e.g. "
                "'450 nm' or 'Plate 2'"
            )
            problems.append(Problem(where, f"row {grid.first_row}", message))
    if problems:
        raise Problems(problems)
