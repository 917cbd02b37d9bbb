"""Which definitions does a Bio-Plex Manager file use, does its arithmetic hold, and what is absent from it?"""

from __future__ import annotations

from typing import Literal

import pandas as pd

from cytoshift.findings import listed, plural
from cytoshift.intake.instruments.bioplex_checks import (
    Held,
    check_background,
    check_curve,
    check_recovery,
    recognise_cv_divisor,
)
from cytoshift.intake.instruments.bioplex_rows import DataRow, StatedCurve, gaps
from cytoshift.intake.instruments.bioplex_sheets import NAMES
from cytoshift.intake.instruments.readout import Remark

_DIVISORS = {"net": "FI - Bkgd", "raw": "FI", "": "neither FI nor FI - Bkgd"}
_EXPECTED = ("fi", "net", "sd", "cv", "observed", "expected", "recovery", "dilution", "beads")
_MOSTLY = 0.95  # of the rows; the rest are rounding of the printed numbers


def arithmetic_remarks(frame: pd.DataFrame, curves: pd.DataFrame) -> list[Remark]:
    """Remarks on %CV, background, recovery and curve of a typed frame with `type` and applied dilutions."""
    own = frame[frame["role"] != "B"]
    found = recognise_cv_divisor(*(own[name].to_numpy(dtype=float) for name in ("sd", "cv", "fi", "net")))
    remarks = []
    if found.rows:
        message = (
            f"%CV is relative to {_DIVISORS[found.divisor]}: of {plural(found.rows, 'row')} it is 100 Std Dev / "
            f"(FI - Bkgd) in {found.fits_net} and 100 Std Dev / FI in {found.fits_raw}"
        )
        numbers: dict[str, float | str] = {
            "divisor": found.divisor,
            "fits_net": found.fits_net,
            "fits_raw": found.fits_raw,
            "rows": found.rows,
        }
        remarks.append(Remark("cv_divisor", message, "note", "nothing", numbers))
    background, recovery, curve = check_background(frame), check_recovery(frame), check_curve(frame, curves)
    remarks += _failed("background", background, "FI - Bkgd is the FI less the mean of the blanks")
    remarks += _failed("recovery", recovery, "(Obs/Exp) * 100 is what Obs Conc and Exp Conc give")
    if curve.rows:
        message = (
            f"the stated curves, on FI - Bkgd and times dilution, give {curve.agree} of {curve.rows} printed "
            f"concentrations within 1 % (median deviation {curve.median_deviation:.2g})"
        )
        severe = curve.agree < _MOSTLY * curve.rows
        numbers = {"agree": curve.agree, "rows": curve.rows, "median_deviation": curve.median_deviation}
        remarks.append(
            Remark(
                "stated_curve", message, "warning" if severe else "note", "flagged" if severe else "nothing", numbers
            )
        )
    return remarks


def _failed(check: str, held: Held, claim: str) -> list[Remark]:
    if held.agree >= _MOSTLY * held.rows:
        return []
    message = f"{claim} in only {held.agree} of {plural(held.rows, 'row')}"
    return [Remark(check, message, numbers={"agree": held.agree, "rows": held.rows})]


def coverage_remarks(frame: pd.DataFrame, curves: list[StatedCurve]) -> list[Remark]:
    """Remarks on what the wells that count lack: whole types, numbered types, wells of single analytes, curves."""
    wells = frame[["plate", "well"]].drop_duplicates()
    names = list(dict.fromkeys(frame["analyte"]))
    message = (
        f"{plural(len(names), 'analyte')} in {plural(len(wells), 'well or pool of wells', 'wells or pools of wells')}"
    )
    numbers: dict[str, float | str] = {"analytes": len(names), "wells": len(wells), "rows": len(frame)}
    remarks = [Remark("analytes_read", f"{message} are read: {listed(names)}", "note", "nothing", numbers)]
    for role, name in (("B", "blanks"), ("S", "standards"), ("X", "unknown samples")):
        if not (frame["role"] == role).any():
            remarks.append(Remark(f"no_{name.replace(' ', '_')}", f"the file holds no {name}", "note", "nothing"))
    missing_labels = gaps(dict.fromkeys(frame["label"]))
    if missing_labels:
        message = f"types are numbered, but {listed(missing_labels)} have no row"
        remarks.append(Remark("types_absent", message, numbers={"types": len(missing_labels)}))
    remarks += _uneven_wells(frame)
    remarks += _curve_remarks(frame, curves)
    return remarks


def _uneven_wells(frame: pd.DataFrame) -> list[Remark]:
    wells: dict[str, dict[str, dict[str, None]]] = {}
    for plate, analyte, pooled in zip(frame["plate"], frame["analyte"], frame["well"], strict=True):
        wells.setdefault(plate, {}).setdefault(analyte, {}).update(dict.fromkeys(pooled.split(",")))
    remarks = []
    for plate, by_analyte in wells.items():
        every = dict.fromkeys(well for own in by_analyte.values() for well in own)
        for analyte, own in by_analyte.items():
            absent = [well for well in every if well not in own]
            if absent:
                message = f"{analyte} has no row for {plural(len(absent), 'well')} that others have: {listed(absent)}"
                numbers: dict[str, float | str] = {"wells": len(absent)}
                remarks.append(Remark("wells_absent", message, numbers=numbers, analyte=analyte, plate=plate))
    return remarks


def _curve_remarks(frame: pd.DataFrame, curves: list[StatedCurve]) -> list[Remark]:
    remarks = []
    analytes = list(dict.fromkeys(frame["analyte"]))
    why = {curve.analyte: curve.curve.why for curve in curves if curve.curve.why and curve.analyte in set(analytes)}
    for reason in dict.fromkeys(why.values()):
        names = [name for name, said in why.items() if said == reason]
        message = f"no standard curve for {listed(names)}: {reason}"
        remarks.append(Remark("curve_unusable", message, numbers={"analytes": len(names)}))
    stated = {curve.analyte for curve in curves}
    silent = [name for name in analytes if name not in stated]
    if silent:
        message = f"the file states no standard curve for {listed(silent)}"
        remarks.append(Remark("curve_absent", message, "note", "nothing", {"analytes": len(silent)}))
    return remarks


def missing_column_remarks(absent: dict[str, list[str]], tables: int) -> list[Remark]:
    """One remark per column that some of the tables lack: what it is, and where."""
    remarks = []
    for column, where in absent.items():
        place = "the file" if len(where) == tables else listed(where)
        # versions before 2010 counted no beads
        severity: Literal["warning", "note"] = "note" if column == "Bead Count" else "warning"
        message = f"column {column} is absent from {place}"
        remarks.append(Remark("column_absent", message, severity, numbers={"tables": len(where)}))
    return remarks


def partial_remarks(rows: list[DataRow]) -> list[Remark]:
    """One remark per kind of number that some rows lack though others of their type have it.

    Rows of one type are compared apart for single and pooled wells; wells that were not read or are outliers lack
    numbers for a reason that their row gives.
    """
    groups: dict[tuple[str, bool], list[DataRow]] = {}
    for row in rows:
        if not (row.cells.get("fi") and row.cells["fi"].text in ("***", "---")):
            groups.setdefault((row.role, "," in row.well), []).append(row)
    lacking: dict[str, list[str]] = {}
    for group in groups.values():
        for kind in _EXPECTED:
            without = [row for row in group if not (row.cells[kind].text if kind in row.cells else "")]
            unsaid = [row for row in without if kind != "observed" or not row.note]
            if unsaid and len(without) < len(group):
                wells = [f"{row.label} {row.well} {row.analyte}" for row in unsaid]
                lacking.setdefault(NAMES[kind], []).extend(wells)
        unnamed = [f"{row.label} {row.well} {row.analyte}" for row in group if not row.description]
        if len(unnamed) < len(group):
            lacking.setdefault(NAMES["description"], []).extend(unnamed)
    remarks = []
    for name, wells in lacking.items():
        if not wells:
            continue
        message = f"{name} is blank in {plural(len(wells), 'row')} though others of the type have it: {listed(wells)}"
        severity: Literal["warning", "note"] = "note" if name == NAMES["beads"] else "warning"
        remarks.append(Remark("numbers_absent", message, severity, numbers={"rows": len(wells)}))
    return remarks
