"""Which standard curves did xPONENT fit?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.findings import listed
from cytoshift.intake.instruments.readout import Remark, curve_frame, no_curves
from cytoshift.intake.instruments.xponent_plate import Plate

_LOGISTIC = {"logistic 5p": 5, "logistic 4p": 4}


def read_curves(plate: Plate, plates: list[str]) -> tuple[pd.DataFrame, list[Remark]]:
    """The file's coefficients as y = d + (a − d)/(1 + (x/c)^b)^g of the net signal, one row per plate and analyte.

    xPONENT writes FI = A + B/(1 + (x/C)^D)^F, so d = A, a = A + B, c = C, b = D (of either sign) and g = F, which
    the 4PL does not have (1). Parameters: the plate, and the names its wells' plates have. Curves of other kinds, and
    those with a coefficient missing, are left out with a remark.
    """
    kinds = plate.labelled("Analysis Types", "AnalysisType").astype(object)
    folded = [kind.casefold() for kind in kinds.tolist()]
    if {*folded} <= {"", "none"}:
        return no_curves(), []
    letters = [plate.labelled_number("Analysis Coefficients", f"Coefficient {letter}") for letter in "ABCDF"]
    r_squared = plate.labelled_number("R^2", "Value")
    count = np.array([_LOGISTIC.get(kind, 0) for kind in folded])
    last = np.where((count == 4) & np.isnan(letters[4]), 1.0, letters[4])
    lower, height, mid, slope = letters[:4]
    whole = ((count == 5) | (count == 4) & (last == 1)) & np.isfinite(lower + height + mid + slope + last) & (mid > 0)
    absent = np.array([kind not in ("", "none") for kind in folded], dtype=bool) & ~whole
    remarks = []
    if absent.any():
        names = np.array(plate.analytes)[absent]
        message = (
            f"curves of {listed(names)} are left out: their kind ({listed(sorted(set(kinds[absent])))}) is not read or "
            "a coefficient is missing; legal are Logistic 4P and Logistic 5P with their coefficients"
        )
        remarks.append(Remark("curves_left_out", message, numbers={"curves": int(absent.sum())}))
    unknown = whole & np.isnan(r_squared)
    if unknown.any() and "R^2" in plate.export.blocks:
        names = np.array(plate.analytes)[unknown]
        remarks.append(Remark("r_squared_missing", f"R^2 has no number for {listed(names)}", "note"))
    chosen = np.flatnonzero(whole)
    at = np.tile(chosen, len(plates))
    columns = {
        "plate": np.repeat(np.array(plates, dtype=object), len(chosen)),
        "analyte": np.array(plate.analytes, dtype=object)[at],
        "on": "net",
        "a": (lower + height)[at],
        "b": slope[at],
        "c": mid[at],
        "d": lower[at],
        "g": last[at],
        "r_squared": r_squared[at],
        "written": kinds[at],
    }
    return curve_frame(columns, len(at)), remarks
