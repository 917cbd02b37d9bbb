"""Which lines and tables does each sheet of a Bio-Plex Manager workbook hold, whatever the layout?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from cytoshift.intake.instruments.content import Content
from cytoshift.intake.workbooks import as_text

# heading, spaces and case aside → what the column holds
HEADINGS = {
    "analyte": "analyte",
    "type": "type",
    "well": "well",
    "outlier": "outlier",
    "description": "description",
    "fi": "fi",
    "fi-bkgd": "net",
    "stddev": "sd",
    "%cv": "cv",
    "obsconc": "observed",
    "expconc": "expected",
    "(obs/exp)*100": "recovery",
    "concinrange": "in_range",
    "group": "group",
    "ratio": "ratio",
    "dilution": "dilution",
    "beadcount": "beads",
    "samplingerrors": "errors",
}
NAMES = {
    "outlier": "Outlier",
    "description": "Description",
    "fi": "FI",
    "net": "FI - Bkgd",
    "sd": "Std Dev",
    "cv": "%CV",
    "observed": "Obs Conc",
    "expected": "Exp Conc",
    "recovery": "(Obs/Exp) * 100",
    "dilution": "Dilution",
    "beads": "Bead Count",
    "errors": "Sampling Errors",
}
SIGNALS_AND_RESULTS = ("fi", "net", "observed")
TYPE = re.compile(r"(e?)([BSCXU])(\d*)", re.IGNORECASE)
_ONE_WELL = re.compile(r"([A-P])0?([1-9]|1\d|2[0-4])", re.IGNORECASE)
_FINGERPRINTS = (
    "file name:", "acquisition date:", "reader serial number:", "rp1 pmt", "rp1 target:", "std. curve:",
    "sampling errors:", "1 - low bead #", "***value not available", "*** = value not available", "regression type:",
)  # fmt: skip


@dataclass(frozen=True)
class Grid:
    """One sheet as text, row i being sheet row i + 1, and which of its cells were numbers rather than text."""

    name: str
    cells: list[list[str]]
    native: list[list[bool]]

    def text(self, row: int, column: int) -> str:
        """The cell, without spaces around it; '' beyond the row's end."""
        cells = self.cells[row]
        return cells[column].strip() if column < len(cells) else ""


@dataclass(frozen=True)
class Block:
    """A header row, by index, its headings by column, and the rows with more than one cell under it."""

    header: int
    headings: dict[int, str]
    rows: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Scan:
    """What one sheet holds: lines of a single text, rows above any header, tables in their order."""

    lines: list[tuple[int, str]]
    above: list[int]
    blocks: list[Block]


def read_grids(content: Content) -> list[Grid]:
    """The sheets of a workbook; raises Unreadable for one that cannot be read or is cut off."""
    return [
        Grid(
            name,
            [[as_text(cell) for cell in row] for row in rows],
            [[not isinstance(cell, str) for cell in row] for row in rows],
        )
        for name, rows in content.sheets.items()
    ]


def heading(text: str) -> str:
    """A heading without spaces and letter case, every dash a hyphen."""
    return re.sub(r"\s+", "", text.replace("\u00a0", " ")).casefold().replace("–", "-").replace("−", "-")


def scan(grid: Grid) -> Scan:
    """Split a sheet into single lines and tables; a table starts at a row with the headings Type and Well."""
    found = Scan([], [], [])
    for row in range(len(grid.cells)):
        filled = {column: text.strip() for column, text in enumerate(grid.cells[row]) if text.strip()}
        if not filled:
            continue
        headings = {heading(text) for text in filled.values()}
        if {"type", "well"} <= headings:
            found.blocks.append(Block(row, filled))
        elif len(filled) == 1:
            found.lines.append((row, next(iter(filled.values()))))
        elif found.blocks:
            found.blocks[-1].rows.append(row)
        else:
            found.above.append(row)
    return found


def plain_well(text: str) -> str:
    """'A3,A4' for wells as written ("a03, A4"); '' for what is no well."""
    wells = [_ONE_WELL.fullmatch(part.strip()) for part in text.split(",")]
    return ",".join(f"{well[1].upper()}{well[2]}" for well in wells if well) if all(wells) else ""


def looks_like_data(grid: Grid, row: int) -> bool:
    """Does a row hold a type and a well in neighbouring cells, as every row of results does?"""
    texts = [text.strip() for text in grid.cells[row] if text.strip()]
    return any(TYPE.fullmatch(first) and plain_well(second) for first, second in pairwise(texts)) or any(
        plain_well(first) and TYPE.fullmatch(second) for first, second in pairwise(texts)
    )


def is_fingerprint(text: str) -> bool:
    """Is this one of the lines that Bio-Plex Manager writes above and below its tables?"""
    return text.casefold().lstrip().startswith(_FINGERPRINTS)


def has_fingerprint(grid: Grid) -> bool:
    """Does a sheet hold a line that Bio-Plex Manager writes?"""
    return any(is_fingerprint(text) for text in single_texts(grid))


def single_texts(grid: Grid) -> Iterator[str]:
    """The first text of every row that has one."""
    for row in grid.cells:
        first = next((text.strip() for text in row if text.strip()), "")
        if first:
            yield first
