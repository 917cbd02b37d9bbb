"""What do the sheets of a Bio-Plex Manager workbook hold: one analyte each, or all analytes by kind of number?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from cytoshift.findings import listed, plural
from cytoshift.intake.instruments.bioplex_combined import Wide, coverage, loose_kind, read_wide
from cytoshift.intake.instruments.bioplex_curve import Stated, formula_numbers, read_formula
from cytoshift.intake.instruments.bioplex_lines import about, first, name_plates, said
from cytoshift.intake.instruments.bioplex_remarks import missing_column_remarks
from cytoshift.intake.instruments.bioplex_rows import Cell, DataRow, Found, StatedCurve, role_of
from cytoshift.intake.instruments.bioplex_sheets import (
    HEADINGS,
    NAMES,
    SIGNALS_AND_RESULTS,
    Block,
    Grid,
    Scan,
    has_fingerprint,
    heading,
    looks_like_data,
    plain_well,
    scan,
)
from cytoshift.intake.instruments.readout import Remark, refuse
from cytoshift.study.problem import Problem

_EXPECTED = ("description", "fi", "net", "sd", "cv", "observed", "expected", "recovery", "dilution", "beads")
_UNREAD = {"group", "ratio", "in_range", "type", "well", "description", "analyte"}


@dataclass
class _Reading:
    """What has been found so far, and what the remarks need at the end."""

    path: str
    found: Found = field(default_factory=Found)
    plates: dict[str, str] = field(default_factory=dict)
    absent: dict[str, list[str]] = field(default_factory=dict)
    analyte_tables: int = 0
    wide: list[tuple[str, set[tuple[str, str]], set[str]]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    nameless: list[str] = field(default_factory=list)

    def problem(self, place: str, message: str) -> None:
        self.found.problems.append(Problem(self.path, place, message))


def read_workbook_rows(grids: list[Grid], path: str) -> Found:
    """Rows, curves and remarks of all sheets, as text.

    Raises Problems where no sheet holds a table; tables that are broken are problems in what is returned.
    """
    scans = {grid.name: scan(grid) for grid in grids}
    lines = {grid.name: said(grid, scans[grid.name]) for grid in grids}
    with_tables = {name: pairs for name, pairs in lines.items() if scans[name].blocks}
    reading = _Reading(path, plates=name_plates(with_tables))
    reading.found.about = about(with_tables)
    for grid in grids:
        _read_sheet(reading, grid, scans[grid.name], lines[grid.name])
    if not reading.found.rows and not reading.found.problems:
        why = "has no sheet with a header row that names Type, Well and FI, FI - Bkgd or Obs Conc"
        if reading.nameless:
            why = f"does not say what the numbers of {listed(reading.nameless)} are; name the sheet FI or Obs Conc"
        raise refuse(path, "", why)
    reading.found.remarks += _remarks(reading)
    return reading.found


def _remarks(reading: _Reading) -> list[Remark]:
    remarks = missing_column_remarks(reading.absent, reading.analyte_tables)
    unnamed = [name for name, plate in reading.plates.items() if not plate]
    if unnamed:
        where = "the file" if len(unnamed) == len(reading.plates) else listed(unnamed)
        remarks.append(Remark("plate_unnamed", f"{where} does not name the plate (Plate ID)", "note", "nothing"))
    if reading.wide:
        remarks += coverage(reading.wide)
    for names, why in ((reading.unread, "no table of results"), (reading.nameless, "its kind of number is not named")):
        if names:
            message = f"{plural(len(names), 'sheet')} not read, {why}: {listed(names)}"
            remarks.append(Remark("sheets_not_read", message, "note", "nothing", {"sheets": len(names)}))
    return remarks


def _read_sheet(reading: _Reading, grid: Grid, found: Scan, lines: list[tuple[str, str]]) -> None:
    wides = [read_wide(grid, found, place) for place in range(len(found.blocks))]
    names = {wide.analyte_row for wide in wides if wide}
    for row in found.above:
        if row not in names and looks_like_data(grid, row):
            reading.problem(f"sheet {grid.name!r}, row {row + 1}", "is a row of results without a header row above it")
    if not found.blocks:
        if not any(looks_like_data(grid, row) for row in found.above):
            if has_fingerprint(grid):
                reading.problem(f"sheet {grid.name!r}", "has no header row with the columns Type and Well; restore it")
            else:
                reading.unread.append(grid.name)
        return
    analytes: list[str] = []
    for block, wide in zip(found.blocks, wides, strict=True):
        repeated = [name for name, times in Counter(map(heading, block.headings.values())).items() if times > 1]
        if wide:
            _read_wide(reading, grid, block, wide, names)
        elif repeated:
            place = f"sheet {grid.name!r}, row {block.header + 1}"
            reading.problem(place, f"has the column {listed(repeated)} more than once; keep the right one")
        else:
            analytes += _read_block(reading, grid, block, first(lines, "analyte") or grid.name, names)
    _read_curves(reading, grid.name, lines, list(dict.fromkeys(analytes)))


def _read_block(reading: _Reading, grid: Grid, block: Block, analyte: str, skip: set[int | None]) -> list[str]:
    """Rows of one analyte's table; returns the analytes they name."""
    columns = {HEADINGS.get(heading(text), ""): column for column, text in block.headings.items()}
    if not set(columns) & set(SIGNALS_AND_RESULTS):
        reading.problem(
            f"sheet {grid.name!r}, row {block.header + 1}", "names none of the columns FI, FI - Bkgd and Obs Conc"
        )
        return []
    if "analyte" not in columns and loose_kind(analyte):
        reading.problem(f"sheet {grid.name!r}, row {block.header + 1}", "does not name its analyte; restore its name")
        return []
    reading.analyte_tables += 1
    for kind in _EXPECTED:
        if kind not in columns:
            reading.absent.setdefault(NAMES[kind], []).append(grid.name)
    kinds = {kind: column for kind, column in columns.items() if kind in NAMES and kind not in _UNREAD}
    named = []
    for row in block.rows:
        key = _row_key(reading, grid, row, columns, set(kinds.values())) if row not in skip else None
        if key is None:
            continue
        own = (grid.text(row, columns["analyte"]) if "analyte" in columns else "") or analyte
        cells = {
            kind: _cell(grid, row, column, block.headings[column])
            for kind, column in kinds.items()
            if kind != "errors" or grid.text(row, column)
        }
        reading.found.rows.append(_data_row(reading, grid, row, own, key, cells))
        named.append(own)
    return named


def _read_wide(reading: _Reading, grid: Grid, block: Block, wide: Wide, skip: set[int | None]) -> None:
    """Rows of a table of wells × analytes: one row per analyte with the one number of the table's kind."""
    if not wide.kind:
        reading.nameless.append(grid.name)
        return
    repeated = [name for name, times in Counter(wide.analytes.values()).items() if times > 1]
    if repeated:
        place = f"sheet {grid.name!r}, row {block.header + 1}"
        reading.problem(place, f"has the analyte {listed(repeated)} more than once; keep the right column")
        return
    if wide.kind in _UNREAD:
        return
    beside = {kind: wide.columns[kind] for kind in ("errors", "dilution") if kind in wide.columns}
    wells = set()
    for row in block.rows:
        key = _row_key(reading, grid, row, wide.columns, set(wide.analytes)) if row not in skip else None
        if key is None:
            continue
        wells.add((key[1], key[2]))
        extra = {
            kind: _cell(grid, row, column, block.headings[column])
            for kind, column in beside.items()
            if grid.text(row, column) and kind != wide.kind
        }
        for column, analyte in wide.analytes.items():
            cells = {wide.kind: _cell(grid, row, column, analyte)} | extra
            reading.found.rows.append(_data_row(reading, grid, row, analyte, key, cells))
    reading.wide.append((wide.kind, wells, set(wide.analytes.values())))


_Key = tuple[str, str, str, str, bool]


def _row_key(reading: _Reading, grid: Grid, row: int, columns: dict[str, int], numbers: set[int]) -> _Key | None:
    """Role, type, well, description and whether the standard is external; None for a line that is no row of results."""
    label, written = grid.text(row, columns["type"]), grid.text(row, columns["well"])
    role, well = role_of(label), plain_well(written) if written else ""
    if role and well:
        description = grid.text(row, columns["description"]) if "description" in columns else ""
        return role[0], label, well, description, role[1]
    if label or written or any(grid.text(row, column) for column in numbers):
        place = f"sheet {grid.name!r}, row {row + 1}"
        if not role:
            message = f"Type {label!r} is none of B, S1, C1, X1 (blank, standard, control, unknown)"
        else:
            message = f"Well {written!r} is no well; legal: A1, or A1,A2 for pooled wells"
        reading.problem(place, message)
    return None


def _cell(grid: Grid, row: int, column: int, name: str) -> Cell:
    native = grid.native[row][column] if column < len(grid.native[row]) else True
    return Cell(grid.text(row, column), native, row + 1, f"{grid.name}!{name}")


def _data_row(reading: _Reading, grid: Grid, row: int, analyte: str, key: _Key, cells: dict[str, Cell]) -> DataRow:
    role, label, well, description, external = key
    place = f"sheet {grid.name!r}, row {row + 1}"
    return DataRow(reading.plates[grid.name], analyte, role, label, well, description, cells, place, external)


def _read_curves(reading: _Reading, sheet: str, lines: list[tuple[str, str]], analytes: list[str]) -> None:
    formulas = [value for key, value in lines if key in ("std. curve", "std curve", "standard curve")]
    regression = first(lines, "regression type")
    for formula in formulas:
        reading.found.formula_numbers += formula_numbers(formula)
        curve = read_formula(formula)
        if len(analytes) > 1:
            curve = Stated(why=f"sheet {sheet!r} holds several analytes and one curve")
        written = f"{regression}: {formula}" if regression else formula
        for analyte in analytes:
            reading.found.curves.append(StatedCurve(reading.plates[sheet], analyte, curve, written))
