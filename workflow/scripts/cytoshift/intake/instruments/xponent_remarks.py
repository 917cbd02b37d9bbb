"""What does an xPONENT export lack, repeat or warn of, so that a person can judge it?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cytoshift.findings import listed, plural
from cytoshift.intake.instruments.readout import Remark
from cytoshift.intake.instruments.xponent_blocks import WARNINGS, Export
from cytoshift.intake.instruments.xponent_plate import Plate

_EVERY_WELL = ("Median", "Net MFI", "Result", "Count", "Dilution Factor", "Comments")
_SAMPLES_ONLY = ("Avg Result", "%CV Replicates")
USED = (
    *_EVERY_WELL, *_SAMPLES_ONLY, "% Recovery", "Units", "Standard Expected Concentration",
    "Control Expected Concentration", "Analysis Types", "Analysis Coefficients", "R^2", "Per Bead Count",
)  # fmt: skip
OPTIONAL = ("Control Range - Low", "Control Range - High")
# types of wells that a block has rows for, where it has none for some
_SPOKEN_OF = {
    **dict.fromkeys(_SAMPLES_ONLY, ("sample", "standard", "control")),
    "Standard Expected Concentration": ("standard",),
    "Control Expected Concentration": ("control",),
    "% Recovery": ("standard", "control"),
}
# what only a batch with an analysis has; a batch without one (ProtocolAnalysis Off) lacks nothing
_OF_ANALYSIS = frozenset(USED) - {"Median", "Net MFI", "Count", "Dilution Factor", "Units", "Per Bead Count"}
_NOT_NEEDED = (
    "Range", "Avg Net MFI", "Avg Range", "Audit Logs", "Acquisition Time", "Mean", "%CV", "Peak", "Std Dev",
    "Trimmed Peak", "Trimmed Standard Deviation", "Trimmed Std Dev", "Trimmed Mean", "Trimmed Count",
    "Trimmed % CV of Microspheres", "% CV of Microspheres", "Normalized Net Median", "Avg Net Median",
)  # fmt: skip
_KNOWN = frozenset((*USED, *OPTIONAL, *_NOT_NEEDED, WARNINGS))


def remarks_of(plate: Plate, types: np.ndarray, signal: np.ndarray, net: np.ndarray, beads: np.ndarray) -> list[Remark]:
    """Everything worth knowing of an export that does not stop it.

    Parameters: the plate; type of each well; `signal`, `net` and `beads`, wells × analytes.
    """
    export = plate.export
    return [
        *_repeated(export),
        *_absent_blocks(export),
        *_other_names(plate),
        *_missing_rows(plate, types),
        *_missing_columns(plate),
        *_gaps(plate, types, signal, net, beads),
        *_warnings(export),
        *_thresholds(plate),
        *_letters(plate, types),
    ]


def _repeated(export: Export) -> Iterator[Remark]:
    for name, lines in export.duplicates.items():
        message = f"{name}: {plural(len(lines), 'line')} that repeat another were dropped (line {listed(lines)})"
        yield Remark("duplicated_lines", message, numbers={"lines": len(lines)})
    for name, samples in export.unclear.items():
        message = f"{name}: {listed(samples)} have several rows that differ; none of them is used"
        yield Remark("summary_unclear", message, numbers={"samples": len(samples)})


def _absent_blocks(export: Export) -> Iterator[Remark]:
    off = any(row[:2] == ["ProtocolAnalysis", "Off"] for row in ([c for c in row if c] for row in export.head))
    expected = [name for name in USED if not (off and name in _OF_ANALYSIS)]
    absent = [name for name in expected if name not in export.blocks or not export.blocks[name].keys]
    absent += [WARNINGS] if WARNINGS not in export.names else []
    if absent:
        severe = {"Median", "Count"} & set(absent)
        message = f"the file has no block {listed(absent, 20)}: what they would say is missing"
        yield Remark("blocks_absent", message, "warning" if severe else "note", numbers={"blocks": len(absent)})
    unknown = [name for name in export.names if name not in _KNOWN]
    if unknown:
        message = f"blocks that are not known were not read: {listed(unknown)}"
        yield Remark("blocks_unknown", message, "note", numbers={"blocks": len(unknown)})


def _other_names(plate: Plate) -> Iterator[Remark]:
    for name in plate.export.blocks:
        other = plate.called_otherwise(name)
        if other.any():
            message = f"{name} calls {_named(plate, other)} by other sample names; wells are matched by Location"
            yield Remark("names_differ", message, numbers={"block": name, "wells": int(other.sum())})


def _missing_rows(plate: Plate, types: np.ndarray) -> Iterator[Remark]:
    for name in USED:
        block = plate.export.blocks.get(name)
        if block is None or not block.keys or block.kind == "label":
            continue
        wanted = _spoken_of(name, types) & (plate.row_of_well(name) < 0)
        if name in plate.export.unclear:
            wanted &= ~np.isin(plate.written, plate.export.unclear[name])
        if wanted.any():
            what = _named(plate, wanted) if name in _EVERY_WELL or name == "% Recovery" else listed(
                dict.fromkeys(plate.written[wanted].tolist())
            )  # fmt: skip
            message = f"{name} has no row for {what}: missing there"
            yield Remark("wells_missing", message, numbers={"block": name, "wells": int(wanted.sum())})
        if block.kind == "location" and (extra := set(block.keys) - set(plate.wells)):
            message = f"{name} speaks of {plural(len(extra), 'well')} that were not read"
            yield Remark("wells_not_read", message, "note", numbers={"block": name, "wells": len(extra)})


def _spoken_of(name: str, types: np.ndarray) -> np.ndarray:
    """Which wells, by their type, does a block have rows for?"""
    kinds = _SPOKEN_OF.get(name)
    return np.array([kinds is None or kind in kinds for kind in types.tolist()])


def _missing_columns(plate: Plate) -> Iterator[Remark]:
    for name in USED:
        block = plate.export.blocks.get(name)
        if block is None or not block.keys or name == "Dilution Factor":
            continue
        named = set(block.columns)
        if absent := [analyte for analyte in plate.analytes if analyte not in named]:
            message = f"{name} has no column for {listed(absent)}: missing there"
            yield Remark("analytes_missing", message, numbers={"block": name, "analytes": len(absent)})
        if block.kind == "label":
            for label in {"Units": ("Units:",), "Per Bead Count": ("Per Bead:",), "R^2": ("Value",),
                          "Analysis Types": ("AnalysisType",)}.get(name, ()):  # fmt: skip
                if label not in block.keys:
                    yield Remark("label_missing", f"{name} has no row {label!r}: what it would say is missing")


def _gaps(plate: Plate, types: np.ndarray, signal: np.ndarray, net: np.ndarray, beads: np.ndarray) -> Iterator[Remark]:
    none = (beads == 0).all(axis=1)
    if none.any():
        message = f"no bead was read in {plural(int(none.sum()), 'well')}: {_named(plate, none)}"
        yield Remark("no_beads", message, numbers={"wells": int(none.sum())})
    for name, grid in (("Median", signal), ("Net MFI", net), ("Count", beads)):
        if name not in plate.export.blocks:
            continue
        gap = np.isnan(grid) & ~none[:, None] & (plate.row_of_well(name) >= 0)[:, None]
        if gap.any():
            message = f"{name} has {plural(int(gap.sum()), 'cell')} without a number: {_cells(plate, gap)}"
            yield Remark("cells_empty", message, numbers={"block": name, "cells": int(gap.sum())})
    for name in ("% Recovery", "Standard Expected Concentration", "Control Expected Concentration"):
        if name not in plate.export.blocks:
            continue
        known = _spoken_of(name, types) & (plate.row_of_well(name) >= 0)
        blank = known[:, None] & (plate.texts(name) == "")
        if blank.any():
            message = f"{name} has no entry in {plural(int(blank.sum()), 'cell')}: {_cells(plate, blank)}"
            yield Remark("cells_empty", message, numbers={"block": name, "cells": int(blank.sum())})
    alone = np.isnan(signal) & ~np.isnan(net) & (beads == 0)
    if alone.any():
        message = f"Net MFI holds a number where no bead was read: {_cells(plate, alone)}"
        yield Remark("net_without_beads", message, numbers={"cells": int(alone.sum())})


def _warnings(export: Export) -> Iterator[Remark]:
    kinds: dict[tuple[str, str], dict[str, None]] = {}
    for well, status, message in export.warnings:
        kinds.setdefault((status, message), {})[well] = None
    one_plate = len({well.partition(",")[0] for wells in kinds.values() for well in wells}) == 1
    for (status, message), places in kinds.items():
        wells = [well.partition(",")[2] or well if one_plate else well for well in places]
        said = f'{status}: "{" ".join(message.split())}" for {plural(len(wells), "well")} ({listed(wells)})'
        severity = "note" if status.casefold() == "ok" else "warning"
        yield Remark("acquisition", said, severity, numbers={"wells": len(wells)})  # type: ignore[arg-type]


def _thresholds(plate: Plate) -> Iterator[Remark]:
    low, high = (plate.export.blocks.get(name) for name in OPTIONAL)
    if low is not None and high is not None and low.keys and low.keys == high.keys:
        same = (
            (low.cells == high.cells) & (low.cells != "") if low.cells.shape == high.cells.shape else np.zeros(1, bool)
        )
        if same.any():
            message = (
                f"the range of controls has no width (low = high) in {int(same.sum())} of {same.size} cells: the "
                "software calls every such control failed"
            )
            yield Remark("control_range", message, "note", numbers={"cells": int(same.sum())})


def _letters(plate: Plate, types: np.ndarray) -> Iterator[Remark]:
    for letter, kind in (("S", "standard"), ("B", "blank")):
        count = int(((plate.written == letter) & (types == kind)).sum())
        if count:
            which = "; which standard each of them is the file does not say" if letter == "S" else ""
            message = f"{plural(count, 'well')} called only {letter} taken as {kind}{which}"
            yield Remark("named_by_letter", message, "note", numbers={"wells": count})


def _named(plate: Plate, chosen: np.ndarray) -> str:
    return listed(_label(plate, row) for row in np.flatnonzero(chosen).tolist())


def _cells(plate: Plate, chosen: np.ndarray) -> str:
    return listed(f"{plate.analytes[column]} in {_label(plate, row)}" for row, column in np.argwhere(chosen).tolist())


def _label(plate: Plate, row: int) -> str:
    number, well = plate.wells[row]
    several = len({number for number, _ in plate.wells}) > 1
    return f"{well} of plate {number}" if several else well
