"""What did a Luminex instrument (LX100/200, MAGPIX, FLEXMAP 3D, INTELLIFLEX) read, as xPONENT writes it?

xPONENT 3 and 4 write one text file per batch, of blocks headed "DataType:". Of one well × analyte, Median is the raw
signal, Net MFI the one less background, Count the beads, Result the concentration.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.findings import listed
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.readout import Options, Reader, Readout, Remark, well_frame
from cytoshift.intake.instruments.xponent_about import compare_head, read_head
from cytoshift.intake.instruments.xponent_blocks import DATA_TYPE, PROGRAM, read_export
from cytoshift.intake.instruments.xponent_curves import read_curves
from cytoshift.intake.instruments.xponent_plate import Plate, read_plate, well_types
from cytoshift.intake.instruments.xponent_remarks import OPTIONAL, USED, remarks_of
from cytoshift.intake.instruments.xponent_results import read_results

_WANTED = frozenset((*USED, *OPTIONAL))


def sniff(content: Content) -> str:
    """Why a file is an xPONENT export, '' if it is not."""
    if content.kind != "text":
        return ""
    if PROGRAM.search(content.head):
        return 'its head says "Program, xPONENT"'
    return 'its results stand in blocks headed "DataType:"' if DATA_TYPE.search(content.text) else ""


def read(content: Content, options: Options) -> Readout:
    """Wells, curves and remarks of one export.

    Raises Problems where it is cut off, contradicts itself or holds cells that are no numbers; Unreadable where it is
    no separated text.
    """
    export = read_export(content, _WANTED)
    plate = read_plate(export, options)
    about = read_head(export.head)
    types, levels = well_types(plate)
    numbers = [number for number, _ in plate.wells]
    several = len(set(numbers)) > 1
    plates = list(dict.fromkeys(numbers)) if several else [""]
    wells, remarks = _wells(plate, types, levels, several)
    curves, left_out = read_curves(plate, plates)
    remarks = [*compare_head(about, len(plate.wells), len(plate.analytes)), *remarks, *left_out]
    threshold = _threshold(plate, about, remarks)
    software = " ".join(filter(None, (about.get("program", "xPONENT"), about.get("build", ""))))
    return Readout("xponent", software, wells, curves, remarks, about | threshold)


def _wells(plate: Plate, types: np.ndarray, levels: np.ndarray, several: bool) -> tuple[pd.DataFrame, list[Remark]]:
    rows, analytes = len(plate.wells), len(plate.analytes)
    signal, net, beads = (plate.grid(name) for name in ("Median", "Net MFI", "Count"))
    dilution, known = plate.dilutions()
    results = read_results(plate, signal, beads, dilution, known)
    kind = types[:, None]
    expected = np.where(
        kind == "standard",
        plate.grid("Standard Expected Concentration"),
        np.where(kind == "control", plate.grid("Control Expected Concentration"), np.nan),
    )
    cv, without_precision = _precision(plate, results.status)
    lines = plate.line_of_well("Result")
    for name in ("Median", "Net MFI", "Count"):
        if not lines.all():
            lines = np.where(lines == 0, plate.line_of_well(name), lines)
    grids = {
        "signal": signal,
        "net_signal": net,
        "beads": beads,
        "expected": expected,
        "value": results.value,
        "lower": results.lower,
        "upper": results.upper,
        "status": results.status,
        "open_limit": results.open_limit,
        "reason": results.reason,
        "reported_mean": plate.grid("Avg Result"),
        "reported_cv": cv,
        "reported_recovery": plate.grid("% Recovery"),
    }
    by_well = {
        "plate": np.array([number if several else "" for number, _ in plate.wells], dtype=object),
        "well": np.array([well for _, well in plate.wells], dtype=object),
        "written": plate.written,
        "type": types,
        "level": levels,
        "dilution": dilution,
        "source_row": lines,
    }
    names = np.array(plate.analytes, dtype=object)
    by_analyte = {"analyte": names, "source_column": names, "unit": plate.labelled("Units", "Units:")}
    columns: dict[str, object] = {name: grid.ravel() for name, grid in grids.items()}
    columns |= {name: entries.repeat(analytes) for name, entries in by_well.items()}
    column = np.tile(np.arange(analytes), rows)
    columns |= {name: entries.take(column) for name, entries in by_analyte.items()}
    remarks = [*remarks_of(plate, types, signal, net, beads), *results.remarks, *without_precision]
    return well_frame(columns, rows * analytes), remarks


def _precision(plate: Plate, status: np.ndarray) -> tuple[np.ndarray, list[Remark]]:
    """The software's CV of replicates, without those of samples of which no replicate has a number.

    xPONENT writes a CV of 0 where all replicates are out of range; without the block Result none of 0 is believed.
    """
    cv = plate.grid("%CV Replicates")
    if np.isnan(cv).all():
        return cv, []
    number = (status == "observed") | (status == "extrapolated")
    codes, _ = pd.factorize(plate.written)
    some = np.zeros((codes.max() + 1, cv.shape[1]), dtype=bool)
    np.logical_or.at(some, codes, number)
    empty = ~np.isnan(cv) & ~some[codes] if "Result" in plate.export.blocks else cv == 0
    if not empty.any():
        return cv, []
    cells = dict.fromkeys(f"{plate.analytes[column]} of {plate.written[row]}" for row, column in np.argwhere(empty))
    message = (
        f"%CV Replicates is left out for {listed(cells)}: no replicate has a number, so that the CV says nothing of "
        "precision"
    )
    return np.where(empty, np.nan, cv), [Remark("cv_without_numbers", message, "note", numbers={"cells": len(cells)})]


def _threshold(plate: Plate, about: dict[str, str], remarks: list[Remark]) -> dict[str, str]:
    """The number of beads that every region was to reach, by the block Per Bead Count; a remark where it differs."""
    asked = sorted(
        {text for text in plate.labelled("Per Bead Count", "Per Bead:").tolist() if text.isdecimal()}, key=int
    )
    if not asked:
        return {}
    announced = about.get("min_beads", "")
    if announced and asked != [announced]:
        message = f"the head asks for {announced} beads, the block Per Bead Count for {listed(asked)}"
        remarks.append(Remark("beads_asked", message, "note", numbers={"analytes": len(plate.analytes)}))
    return {"beads_per_region": asked[0] if len(asked) == 1 else f"{asked[0]} to {asked[-1]}"}


READER = Reader("xponent", "Luminex xPONENT 3 or 4 (LX100/200, MAGPIX, FLEXMAP 3D, INTELLIFLEX)", sniff, read)
