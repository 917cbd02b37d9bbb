"""Which wells and analytes does an xPONENT export speak of, and what does each block say of them?

Wells are matched by their Location, analytes by their name; never by their place in a block.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from cytoshift.intake.instruments.decimals import decimal_sign
from cytoshift.intake.instruments.luminex_text import first_cell, is_bound, read_numbers
from cytoshift.intake.instruments.readout import Options
from cytoshift.intake.instruments.xponent_blocks import Block, Export
from cytoshift.intake.values import Parsed
from cytoshift.study.problem import Problem, Problems

ON_WELLS = ("Median", "Net MFI", "Result", "Count")  # blocks that make a well and an analyte known, in this order
NUMBERS = (
    *ON_WELLS, "Avg Result", "%CV Replicates", "% Recovery", "Standard Expected Concentration",
    "Control Expected Concentration", "Dilution Factor", "Analysis Coefficients", "R^2",
)  # fmt: skip
_GAP_OF = {"status": "missing", "open_limit": False}
_KINDS = {  # how the rows of blocks are keyed; all others by Location
    **dict.fromkeys(("Avg Result", "%CV Replicates"), ("sample", "location")),
    **dict.fromkeys(("Standard Expected Concentration", "Control Expected Concentration"), ("reagent",)),
    **dict.fromkeys(("Control Range - Low", "Control Range - High"), ("reagent",)),
    **dict.fromkeys(("Units", "Per Bead Count", "Analysis Types", "Analysis Coefficients", "R^2"), ("label",)),
}
_BLANK = re.compile(r"(?:background|blank)\s*[0-9]*", re.IGNORECASE)
_STANDARD = re.compile(r"standard\s*[0-9]+", re.IGNORECASE)
_CONTROL = re.compile(r"control\s*[0-9]+", re.IGNORECASE)


@dataclass
class Plate:
    """Wells (plate, well) and analytes of an export, and what every block of numbers says of them.

    `written` names the sample of each well; `numbers` holds each block's cells as parsed, in the block's own order.
    """

    export: Export
    wells: list[tuple[str, str]]
    written: np.ndarray
    analytes: list[str]
    numbers: dict[str, Parsed]
    _rows: dict[str, np.ndarray] = field(default_factory=dict)  # block → row_of_well
    _columns: dict[str, np.ndarray] = field(default_factory=dict)  # block → place of each analyte among its columns

    def grid(self, name: str, part: str = "value") -> np.ndarray:
        """One block's numbers (or their `status`, `lower` … as Parsed has them) as wells × analytes, else a gap."""
        gap = _GAP_OF.get(part, np.nan)
        if name not in self.numbers:
            return self._gaps(gap, np.array(gap).dtype)
        return self.spread(name, getattr(self.numbers[name], part), gap)

    def texts(self, name: str) -> np.ndarray:
        """One block's cells as wells × analytes, '' where it has none."""
        block = self.export.blocks.get(name)
        return self._gaps("", np.dtype(object)) if block is None else self.spread(name, block.cells.ravel(), "")

    def spread(self, name: str, entries: np.ndarray, gap: object) -> np.ndarray:
        """Entries of a block (flat) laid out as wells × analytes, `gap` where it has no row or column for one."""
        block = self.export.blocks.get(name)
        if block is None or not block.cells.size:
            return self._gaps(gap, entries.dtype)
        laid, rows, columns = entries.reshape(block.cells.shape), self.row_of_well(name), self._places(block)
        if rows.min(initial=0) >= 0 and columns.min(initial=0) >= 0:
            return laid.take(rows, axis=0).take(columns, axis=1)
        filled = self._gaps(gap, entries.dtype)
        known = np.ix_(rows >= 0, columns >= 0)
        filled[known] = laid[np.ix_(rows[rows >= 0], columns[columns >= 0])]
        return filled

    def _gaps(self, gap: object, kind: np.dtype) -> np.ndarray:
        filled = np.empty((len(self.wells), len(self.analytes)), dtype=kind)
        filled.fill(gap)
        return filled

    def _places(self, block: Block) -> np.ndarray:
        """For every analyte its place among a block's columns, −1 for none."""
        if block.name not in self._columns:
            self._columns[block.name] = places(self.analytes, block.columns)
        return self._columns[block.name]

    def labelled(self, name: str, label: str) -> np.ndarray:
        """Texts of one labelled row of a block ("Units:") by analyte, '' where there is none."""
        block = self.export.blocks.get(name)
        if block is None or label not in block.keys:
            return np.full(len(self.analytes), "", dtype=object)
        return self._by_analyte(block, block.cells[block.keys.index(label)], "")

    def labelled_number(self, name: str, label: str) -> np.ndarray:
        """Numbers of one labelled row of a block ("Coefficient A") by analyte, NaN where there is none."""
        block = self.export.blocks.get(name)
        if block is None or label not in block.keys:
            return np.full(len(self.analytes), np.nan)
        values = self.numbers[name].value.reshape(block.cells.shape)
        return self._by_analyte(block, values[block.keys.index(label)], np.nan)

    def _by_analyte(self, block: Block, entries: np.ndarray, gap: object) -> np.ndarray:
        at = self._places(block)
        if at.min(initial=0) >= 0:
            return entries.take(at)
        return np.append(entries, np.array([gap], dtype=entries.dtype))[at]  # −1 takes the gap

    def row_of_well(self, name: str) -> np.ndarray:
        """For every well the row of a block that speaks of it (by Location, or by the sample's name), −1 for none."""
        if name not in self._rows:
            block = self.export.blocks.get(name)
            if block is None:
                self._rows[name] = np.full(len(self.wells), -1)
            else:
                wanted = self.wells if block.kind == "location" else self.written.tolist()
                self._rows[name] = places(wanted, block.keys)
        return self._rows[name]

    def line_of_well(self, name: str) -> np.ndarray:
        """For every well the line of a block that speaks of it, 0 for none."""
        block, rows = self.export.blocks.get(name), self.row_of_well(name)
        if block is None or not block.lines:
            return np.zeros(len(rows), dtype=int)
        return np.where(rows < 0, 0, np.array(block.lines)[rows])

    def called_otherwise(self, name: str) -> np.ndarray:
        """Wells that a block keyed by Location calls by another sample name than the first block does."""
        block, rows = self.export.blocks.get(name), self.row_of_well(name)
        if block is None or block.kind != "location" or not block.keys:
            return np.zeros(len(rows), dtype=bool)
        return (rows >= 0) & (np.array(block.samples, dtype=object)[rows] != self.written)

    def dilutions(self) -> tuple[np.ndarray, np.ndarray]:
        """Dilution of each well (NaN where the cell is empty), and is what the file says of it known?

        It is not where the block has no row for the well, nor where the rows of wells that it calls by other names
        differ in dilution: some were moved, and whose is whose cannot be told.
        """
        name = "Dilution Factor"
        rows, block = self.row_of_well(name), self.export.blocks.get(name)
        if block is None or not block.cells.size:
            return np.full(len(self.wells), np.nan), np.zeros(len(self.wells), dtype=bool)
        first = self.numbers[name].value.reshape(block.cells.shape)[:, 0]
        doubtful = self.called_otherwise(name)
        known = (rows >= 0) & ~(doubtful & (len(set(block.cells[rows[doubtful], 0].tolist())) > 1))
        return np.where(known, first[rows], np.nan), known


def read_plate(export: Export, options: Options) -> Plate:
    """Find wells and analytes and read all numbers.

    Raises Problems for cells that are no numbers and where there is neither a signal nor a concentration.
    """
    present = [export.blocks[name] for name in ON_WELLS if name in export.blocks and export.blocks[name].keys]
    if not any(block.name != "Count" for block in present):
        message = "holds neither a block Median nor Net MFI nor Result with wells; export the batch with them"
        raise Problems([Problem(export.path, "DataType:", message)])
    _check_kinds(export)
    wells: dict[tuple[str, str], str] = {}
    analytes: dict[str, None] = {}
    for block in present:
        analytes |= dict.fromkeys(block.columns)
        for key, sample in zip(block.keys, block.samples, strict=True):
            wells.setdefault(key, sample)  # type: ignore[arg-type]  # a Location block has such keys
    numeric = {name: export.blocks[name] for name in NUMBERS if name in export.blocks}
    return Plate(
        export,
        list(wells),
        np.array(list(wells.values()), dtype=object),
        list(analytes),
        _numbers(export, numeric, options),
    )


def _check_kinds(export: Export) -> None:
    problems = []
    for name, block in export.blocks.items():
        legal = _KINDS.get(name, ("location",))
        if block.kind not in legal:
            message = f'has rows by {block.kind}, not by {" or ".join(legal)}: is a line "DataType:" lost or moved?'
            problems.append(Problem(f"{export.path}:{min(block.lines, default=1)}", name, message))
    if problems:
        raise Problems(problems)


def _numbers(export: Export, blocks: dict[str, Block], options: Options) -> dict[str, Parsed]:
    cells = np.concatenate([block.cells.ravel() for block in blocks.values()])
    everything = read_numbers(cells, decimal_sign(export.path, cells.tolist(), options.decimal))
    numbers: dict[str, Parsed] = {}
    problems: list[Problem] = []
    stop = 0
    for name, block in blocks.items():
        start, stop = stop, stop + block.cells.size
        parsed = _part(everything, start, stop)
        mistakes = dict(parsed.mistakes)
        if name == "Count":
            wrong = np.flatnonzero((parsed.value % 1 != 0) & ~np.isnan(parsed.value) | (parsed.value < 0))
            mistakes |= dict.fromkeys(wrong.tolist(), "is no count of beads; is its sign a thousands separator?")
        elif name != "Result" and name != "Avg Result":
            mistakes |= dict.fromkeys(np.flatnonzero(is_bound(parsed)).tolist(), "is a bound where a number belongs")
        if name == "Dilution Factor":
            mistakes |= dict.fromkeys(np.flatnonzero(parsed.value <= 0).tolist(), "is no dilution: legal is above 0")
        for place, advice in sorted(mistakes.items()):
            row, column = divmod(place, len(block.columns))
            where = f"{export.path}:{block.lines[row]}"
            problems.append(
                Problem(where, f"{name}: {block.columns[column]}", f"{block.cells[row, column]!r} {advice}")
            )
        numbers[name] = parsed
    if problems:
        raise Problems(problems)
    return numbers


def _part(parsed: Parsed, start: int, stop: int) -> Parsed:
    """The cells from `start` to before `stop`."""
    return Parsed(
        parsed.value[start:stop],
        parsed.lower[start:stop],
        parsed.upper[start:stop],
        parsed.status[start:stop],
        parsed.open_limit[start:stop],
        {place - start: advice for place, advice in parsed.mistakes.items() if start <= place < stop},
    )


def places(wanted: list, keys: list) -> np.ndarray:
    """For each wanted key its place among `keys`, −1 where it is not there."""
    if wanted == keys:
        return np.arange(len(keys))
    known = {key: number for number, key in enumerate(keys)}
    return np.array([known.get(key, -1) for key in wanted], dtype=int)


def well_types(plate: Plate) -> tuple[np.ndarray, np.ndarray]:
    """What each well holds and which standard or control: by what the file itself calls them.

    Names of the software (Background0, Standard1, Control2) and those that the file's own lists of reagents and of
    expected concentrations hold; a bare B or S is how a layout without names writes blank and standard.
    """
    listed = dict.fromkeys(_keys(plate, "Standard Expected Concentration"), "standard")
    for block in ("Control Expected Concentration", "Control Range - Low", "Control Range - High"):
        listed |= dict.fromkeys(_keys(plate, block), "control")
    for name in _reagents(plate.export.head):
        listed.setdefault(name, "standard" if name[:1].casefold() == "s" else "control")
    types, levels = [], []
    for name in plate.written.tolist():
        kind = _type(name, listed)
        types.append(kind)
        levels.append(name if kind in ("standard", "control") and name != "S" else "")
    return np.array(types, dtype=object), np.array(levels, dtype=object)


def _type(name: str, listed: dict[str, str]) -> str:
    if _BLANK.fullmatch(name) or name == "B":
        return "blank"
    if _STANDARD.fullmatch(name) or name == "S":
        return "standard"
    return "control" if _CONTROL.fullmatch(name) else listed.get(name, "sample")


def _keys(plate: Plate, name: str) -> list[str]:
    """Reagents that a block has a value for."""
    block = plate.export.blocks.get(name)
    rows = zip(block.keys, block.cells.tolist(), strict=True) if block else []
    return [str(key) for key, cells in rows if key and any(cells)]


def _reagents(head: list[list[str]]) -> list[str]:
    """Names below the header "Reagent,LotName,…" of the list of assay lots."""
    start = next((place for place, row in enumerate(head) if first_cell(row).casefold() == "reagent"), len(head))
    names: list[str] = []
    for row in head[start + 1 :]:
        name = first_cell(row)
        if not name or name.casefold() in ("samples", "results"):
            break
        names.append(name)
    return names
