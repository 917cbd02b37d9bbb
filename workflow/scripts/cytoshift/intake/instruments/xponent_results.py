"""What concentration did xPONENT write for each well, and why is there none?

Its numbers include the well's dilution, its bounds ("< v": v is the lowest standard, "> v" the highest) do not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cytoshift.findings import plural
from cytoshift.intake.instruments.readout import Remark
from cytoshift.intake.instruments.xponent_plate import Plate

_SAME = 1e-6  # relative; limits and standards are the same number in the file, printed twice


@dataclass(frozen=True)
class Results:
    """Everything of shape wells × analytes; intervals include the dilution."""

    value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    status: np.ndarray
    open_limit: np.ndarray
    reason: np.ndarray
    remarks: list[Remark]


def read_results(
    plate: Plate, signal: np.ndarray, beads: np.ndarray, dilution: np.ndarray, known: np.ndarray
) -> Results:
    """Intervals and statuses of the block Result, its bounds brought to the sample's scale.

    Parameters: the plate; `signal` and `beads`, wells × analytes; `dilution`, fold per well, NaN where empty;
    `known`, is the dilution of the well what the file says?
    """
    value, lower, upper = (plate.grid("Result", part) for part in ("value", "lower", "upper"))
    status = plate.grid("Result", "status").astype(object)
    open_limit = plate.grid("Result", "open_limit").astype(bool)
    comments = plate.texts("Comments")
    flat = comments.ravel().tolist()
    extrapolated = {comment for comment in set(flat) if comment.casefold().startswith("extrapolated")}
    if extrapolated:
        said = np.array([comment in extrapolated for comment in flat]).reshape(comments.shape)
        status[said & (status == "observed")] = "extrapolated"
    factor = np.where(np.isnan(dilution), 1.0, dilution)[:, None] * np.ones_like(value)
    factor[~known] = np.nan
    remarks = _dilute_limits(plate, lower, upper, status, open_limit, factor)
    reason = _reasons(plate, status, signal, beads, comments)
    return Results(value, lower, upper, status, open_limit, reason, remarks)


def _dilute_limits(
    plate: Plate, lower: np.ndarray, upper: np.ndarray, status: np.ndarray, open_limit: np.ndarray, factor: np.ndarray
) -> list[Remark]:
    """Multiply the limits of bounds by the dilution, in place; limits of wells whose dilution is lost become open."""
    below, above = (status == "below") & ~open_limit, (status == "above") & ~open_limit
    remarks = []
    lost = np.isnan(factor) & (below | above)
    if lost.any():
        upper[lost & below], lower[lost & above] = np.nan, np.nan
        open_limit[lost] = True
        message = (
            f"{plural(int(lost.sum()), 'bound')} of wells whose dilution the file does not tell: it states such limits "
            "without the dilution, so that they are kept as below or above a limit that is not known"
        )
        remarks.append(Remark("limits_without_dilution", message, numbers={"cells": int(lost.sum())}))
    changed = (below | above) & ~lost & (factor != 1)
    if changed.any():
        included = _limits_include_dilution(plate, upper, factor, below & changed)
        if not included:
            upper[changed & below] *= factor[changed & below]
            lower[changed & above] *= factor[changed & above]
        what = (
            "include the well's dilution factor and are kept" if included
            else "are the lowest and highest standard without the dilution; they were multiplied by the well's factor"
        )  # fmt: skip
        message = f"{plural(int(changed.sum()), 'bound')} (< {int((changed & below).sum())}, > "
        message += f"{int((changed & above).sum())}) of diluted wells: their limits in the file {what}"
        remarks.append(Remark("limits_and_dilution", message, "note", numbers={"cells": int(changed.sum())}))
    return remarks


def _limits_include_dilution(plate: Plate, upper: np.ndarray, factor: np.ndarray, cells: np.ndarray) -> bool:
    """Does the lowest standard of the file show that the limits of `cells` were multiplied already?"""
    block = plate.export.blocks.get("Standard Expected Concentration")
    if block is None or not block.cells.size:
        return False
    series = np.array([plate.labelled_number(block.name, str(key)) for key in block.keys])
    lowest = np.fmin.reduce(series, axis=0)[None, :] * np.ones_like(upper)
    plain = np.isclose(upper, lowest, rtol=_SAME, atol=0) & cells
    diluted = np.isclose(upper / factor, lowest, rtol=_SAME, atol=0) & cells
    return bool(diluted.any() and not plain.any())


def _reasons(
    plate: Plate, status: np.ndarray, signal: np.ndarray, beads: np.ndarray, comments: np.ndarray
) -> np.ndarray:
    """The software's comment of each cell and, where it has no concentration, why; `comments` are changed in place."""
    missing = status == "missing"
    if not missing.any():
        return comments
    if "Result" in plate.export.blocks:
        texts = plate.texts("Result")[missing]
        why = np.where(texts == "", "the cell is empty", texts + " in the file")
        why[(plate.row_of_well("Result") < 0)[np.nonzero(missing)[0]]] = "not in the block Result"
    else:
        texts = plate.texts("Median")[missing]
        raw = np.where(texts == "", "no signal", texts + " in the block Median")
        why = np.where(np.isnan(signal[missing]), raw, "no concentrations in the file").astype(object)
    why[beads[missing] == 0] = "no bead was read"
    said = comments[missing]
    comments[missing] = np.where(said == "", why, said + "; " + why)
    return comments
