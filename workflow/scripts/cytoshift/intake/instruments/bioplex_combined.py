"""Which kind of number does a table of wells × analytes hold, when each kind (FI, Obs Conc …) has a table of its own?

This is Bio-Plex Manager's export of all analytes together: columns Type, Well, Description, then one per analyte;
the analytes stand in the header row, or in the row above it with the kind repeated below each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cytoshift.findings import listed, plural
from cytoshift.intake.instruments.bioplex_sheets import (
    HEADINGS,
    NAMES,
    SIGNALS_AND_RESULTS,
    Block,
    Grid,
    Scan,
    heading,
    is_fingerprint,
)
from cytoshift.intake.instruments.readout import Remark

_ABOUT_THE_WELL = {"type", "well", "description", "errors", "outlier", "dilution", "group", "ratio", "analyte"}
_NO_ANALYTES = {"totalevents", "events", "location", "plate", "sample"}
_LINE = re.compile(r"[^:]+:\s")


@dataclass(frozen=True)
class Wide:
    """One table: its kind ('' if it does not say), analytes by column, columns about the well, row of the analytes."""

    kind: str
    analytes: dict[int, str]
    columns: dict[str, int]
    analyte_row: int | None


def loose_kind(text: str) -> str:
    """The kind that a title or a sheet's name means, punctuation aside ("FI - Bkgd", "(ObsExp)  100"); '' if none."""
    bare = re.sub(r"[^a-z0-9]", "", text.casefold())
    kinds = {re.sub(r"[^a-z0-9]", "", name): kind for name, kind in HEADINGS.items()} | {"rawdata": "fi"}
    kind = kinds.get(bare, "")
    return "" if kind in ("type", "well", "description", "analyte") else kind


def read_wide(grid: Grid, found: Scan, place: int) -> Wide | None:
    """The block at `place` of a scanned sheet as a table of wells × analytes; None where it is of one analyte."""
    block = found.blocks[place]
    kinds = {column: HEADINGS.get(heading(text), "") for column, text in block.headings.items()}
    above = _previous(grid, block.header)
    named = _named_above(grid, block, above, kinds)
    columns = {kind: column for column, kind in kinds.items() if column not in named}
    if named:
        stated = {kinds[column] for column in named if column in kinds}
        return Wide(next(iter(stated), "") or _title(grid, found, place), named, columns, above)
    free = {column: text for column, text in block.headings.items() if kinds[column] not in _ABOUT_THE_WELL}
    if any(kinds[column] for column in free):
        return None
    analytes = {column: text for column, text in free.items() if heading(text) not in _NO_ANALYTES}
    return Wide(_title(grid, found, place), analytes, columns, None) if analytes else None


def _previous(grid: Grid, row: int) -> int | None:
    return next((index for index in range(row - 1, -1, -1) if any(text.strip() for text in grid.cells[index])), None)


def _named_above(grid: Grid, block: Block, above: int | None, kinds: dict[int, str]) -> dict[int, str]:
    """Analytes in the row above the header, over columns that are blank or all of one kind; {} if there are none."""
    if above is None:
        return {}
    named = {column: text.strip() for column, text in enumerate(grid.cells[above]) if text.strip()}
    fixed = {column for column, kind in kinds.items() if kind in ("type", "well", "description", "analyte")}
    if any(column in fixed or _LINE.match(text) or is_fingerprint(text) for column, text in named.items()):
        return {}
    below = {kinds[column] for column in named if column in kinds}
    beside = {kind for column, kind in kinds.items() if column not in named}
    one_kind = not below or (len(below) == 1 and "" not in below)
    return named if one_kind and beside <= _ABOUT_THE_WELL and not loose_title(named) else {}


def loose_title(named: dict[int, str]) -> bool:
    """Is the only text of a row the title of a kind rather than an analyte?"""
    return len(named) == 1 and bool(loose_kind(next(iter(named.values()))))


def _title(grid: Grid, found: Scan, place: int) -> str:
    """The kind by the nearest line above that names one, else by the sheet's name."""
    titles = [(row, loose_kind(text)) for row, text in found.lines if row < found.blocks[place].header]
    named = [kind for _, kind in titles if kind]
    return named[-1] if named else loose_kind(grid.name)


def coverage(tables: list[tuple[str, set[tuple[str, str]], set[str]]]) -> list[Remark]:
    """Remarks on analytes and wells that the table of one kind lacks and another has.

    Parameters: per table its kind, its (type, well) pairs and its analytes.
    """
    kinds = dict.fromkeys(kind for kind, _, _ in tables)
    analytes = {kind: set().union(*(names for other, _, names in tables if other == kind)) for kind in kinds}
    wells = {kind: set().union(*(pairs for other, pairs, _ in tables if other == kind)) for kind in kinds}
    every_analyte, every_well = set().union(*analytes.values()), set().union(*wells.values())
    remarks = []
    for kind in kinds:
        name = NAMES.get(kind, kind)
        lacking = sorted(every_analyte - analytes[kind])
        if lacking:
            numbers: dict[str, float | str] = {"analytes": len(lacking)}
            message = f"{name} has no column for {listed(lacking)}, which other tables have"
            remarks.append(Remark("analytes_absent", message, numbers=numbers))
        absent = sorted(f"{label} {well}" for label, well in every_well - wells[kind])
        if absent:
            numbers = {"wells": len(absent)}
            message = f"{name} has no row for {plural(len(absent), 'well')} of other tables: {listed(absent)}"
            remarks.append(Remark("wells_absent", message, numbers=numbers))
    missing = [NAMES[kind] for kind in (*SIGNALS_AND_RESULTS, "expected", "dilution", "beads") if kind not in kinds]
    remarks += [Remark("table_absent", f"the file has no table of {name}", "note", "nothing") for name in missing]
    return remarks
