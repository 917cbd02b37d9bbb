"""Which rows of a Bio-Plex Manager export count, as what, and what must a person know about them?"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from cytoshift.findings import listed, plural
from cytoshift.intake.instruments.bioplex_pooled import drop_pooled
from cytoshift.intake.instruments.bioplex_remarks import arithmetic_remarks, coverage_remarks, partial_remarks
from cytoshift.intake.instruments.bioplex_rows import (
    Found,
    StatedCurve,
    complete_descriptions,
    merge_rows,
    number_texts,
    typed_frame,
)
from cytoshift.intake.instruments.decimals import decimal_sign
from cytoshift.intake.instruments.readout import Options, Readout, Remark, curve_frame, refuse, well_frame
from cytoshift.study.problem import Problem, Problems

TYPES = {"B": "blank", "S": "standard", "C": "control", "X": "sample"}
_BLANK_BEAD = re.compile(r"blank(\s*beads?)?(\s*\(\d+\))?", re.IGNORECASE)
_TITRATION_LEVELS = 4


def assemble(found: Found, path: str, options: Options, software: str) -> Readout:
    """Turn what a layout's reader found into the readout.

    Parameters: `found`, rows and curves as text; `path`, how messages name the file; `software`, what wrote it.
    Returns wells (single wells where the file has them, else pooled ones), the stated curves, and remarks.
    Raises Problems for contradictions, cells that are no numbers, and a file without rows.
    """
    rows, dropped, problems = merge_rows(found.rows, path)
    curves, more = _unique_curves(found.curves, path)
    problems = [*found.problems, *problems, *more]
    if not rows and not problems:
        raise refuse(path, "", "holds no row of results: no row has a Type (B, S1, C1, X1) and a Well (A1 or A1,A2)")
    filled = complete_descriptions(rows)
    decimal = decimal_sign(path, [*number_texts(rows), *found.formula_numbers], options.decimal)
    frame, wrong = typed_frame(rows, decimal, path)
    if problems or wrong:
        raise Problems([*problems, *wrong])
    remarks = [*found.remarks]
    if filled:
        message = f"{plural(filled, 'row')} without Description have the one of the same well with other analytes"
        remarks.append(Remark("descriptions_completed", message, "note", "nothing", {"rows": filled}))
    remarks += partial_remarks(rows)
    if dropped:
        message = f"{plural(dropped, 'row')} repeated another exactly and {'was' if dropped == 1 else 'were'} left out"
        remarks.append(Remark("duplicate_rows", message, action="excluded", numbers={"rows": dropped}))
    frame, added = _without_external(frame)
    frame, retyped = assign_types(frame)
    stated = _curve_table(curves)
    remarks += [*added, *retyped, *arithmetic_remarks(frame, stated)]
    frame, added = drop_pooled(frame)
    remarks += added
    frame, added = _without_blank_beads(frame)
    remarks += [*added, *coverage_remarks(frame, curves)]
    if frame.empty:
        raise refuse(path, "", "holds no results of analytes: only blank beads or standards of another plate")
    stated = stated[stated["analyte"].isin(set(frame["analyte"]))].reset_index(drop=True)
    return Readout("bioplex", software, _wells(frame, found.units), stated, remarks, found.about)


def assign_types(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Remark]]:
    """Say what each row holds and which dilution and expected concentration apply to it.

    Parameters: a typed frame. Returns it with `type` and `level`; standards have dilution 1, because the software
    applies none to them; an expected concentration of 0 is none for controls, and for standards where all have it.
    Rows of type C are standards where the plate has no S and they are the titration: described as standard, with an
    expected concentration (or without descriptions, at four or more of them).
    """
    frame = frame.copy()
    remarks = []
    titration = _titration(frame)
    if titration.any():
        remarks.append(
            Remark(
                "controls_are_standards",
                f"{plural(int(titration.sum()), 'row')} of type C "
                f"({listed(dict.fromkeys(frame.loc[titration, 'label']))}) are the standard titration and are read as "
                "standards; their Dilution belongs to the titration and is not applied",
                severity="note",
                action="nothing",
                numbers={"rows": int(titration.sum())},
            )
        )
    frame["role"] = np.where(titration, "S", frame["role"])
    frame["type"] = frame["role"].map(TYPES)
    standard, control = frame["role"] == "S", frame["role"] == "C"
    frame["level"] = np.where(standard | control, frame["label"], "")
    diluted = standard & ~titration & (frame["dilution"].fillna(1) != 1)
    if diluted.any():
        message = f"{plural(int(diluted.sum()), 'standard row')} state a dilution other than 1; it is not applied"
        remarks.append(Remark("standards_diluted", message, numbers={"rows": int(diluted.sum())}))
    frame.loc[standard, "dilution"] = 1.0
    highest = frame["expected"].where(standard).groupby([frame["plate"], frame["analyte"]]).transform("max")
    all_zero = standard & (highest == 0)
    if all_zero.any():
        unset = dict.fromkeys(frame.loc[all_zero, "analyte"])
        message = f"expected concentrations of the standards are all zero, that is not set, for {listed(unset)}"
        remarks.append(Remark("expected_unset", message, numbers={"analytes": len(unset), "rows": int(all_zero.sum())}))
    frame.loc[all_zero | (control & (frame["expected"] == 0)), "expected"] = np.nan
    return frame, remarks


def _titration(frame: pd.DataFrame) -> pd.Series:
    """Which rows of type C are the standard titration."""
    control = frame["role"] == "C"
    if not control.any():
        return control
    keys = [frame["plate"], frame["analyte"]]
    has_standards = (frame["role"] == "S").groupby(keys).transform("any")
    stated = frame["expected"].where(control & (frame["expected"] > 0))
    described = frame["description"].str.contains("standard", case=False, regex=False).astype(bool)
    no_descriptions = bool((frame["description"] == "").all())
    series = stated.groupby(keys).transform("nunique") >= _TITRATION_LEVELS
    expected = stated.notna() | bool(frame["expected"].isna().all())
    return control & ~has_standards & expected & (described | (no_descriptions & series))


def _without_external(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Remark]]:
    external = frame["external"].to_numpy(dtype=bool)
    if not external.any():
        return frame, []
    message = (
        f"{plural(int(external.sum()), 'row')} are standards of another plate "
        f"({listed(dict.fromkeys(frame.loc[external, 'label']))}) and are left out; this plate's curve comes from there"
    )
    remark = Remark("external_standards", message, action="excluded", numbers={"rows": int(external.sum())})
    return frame[~external].reset_index(drop=True), [remark]


def _without_blank_beads(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Remark]]:
    names = [name for name in dict.fromkeys(frame["analyte"]) if _BLANK_BEAD.fullmatch(name)]
    remarks = []
    for name in names:
        status = frame.loc[frame["analyte"] == name, "status"]
        message = f"{name} is a blank bead, no analyte: its {plural(len(status), 'row')} are left out"
        counts: dict[str, float | str] = {"rows": len(status)}
        counts |= {kind: int((status == kind).sum()) for kind in ("observed", "extrapolated", "below", "above")}
        remarks.append(Remark("blank_bead", message, "note", "excluded", counts, analyte=name))
    return frame[~frame["analyte"].isin(names)].reset_index(drop=True), remarks


def _unique_curves(curves: list[StatedCurve], path: str) -> tuple[list[StatedCurve], list[Problem]]:
    kept: dict[tuple[str, str], StatedCurve] = {}
    problems = []
    for curve in curves:
        first = kept.setdefault((curve.plate, curve.analyte), curve)
        if first.written != curve.written:
            message = f"has two standard curves, {first.written!r} and {curve.written!r}; keep the one that applies"
            problems.append(Problem(path, curve.analyte, message))
    return list(kept.values()), problems


def _curve_table(curves: list[StatedCurve]) -> pd.DataFrame:
    usable = [curve for curve in curves if not curve.curve.why]
    columns: dict[str, object] = {
        "plate": np.array([curve.plate for curve in usable], dtype=object),
        "analyte": np.array([curve.analyte for curve in usable], dtype=object),
        "written": np.array([curve.written for curve in usable], dtype=object),
    }
    for name in ("a", "b", "c", "d", "g"):
        columns[name] = np.array([getattr(curve.curve, name) for curve in usable], dtype=float)
    return curve_frame(columns, len(usable))


def _wells(frame: pd.DataFrame, units: dict[str, str]) -> pd.DataFrame:
    same = (
        *("plate", "well", "type", "level", "analyte", "beads", "dilution", "expected", "value", "lower", "upper"),
        *("status", "open_limit", "reason", "outlier", "source_row", "source_column"),
    )
    columns: dict[str, object] = {name: frame[name].to_numpy() for name in same}
    columns |= {
        # a sample may lie where the protocol has a control, which its description then tells
        "type_stated": (frame["description"] == "").to_numpy(),
        "written": frame["description"].where(frame["description"] != "", frame["label"]).to_numpy(),
        "signal": frame["fi"].to_numpy(),
        "net_signal": frame["net"].to_numpy(),
        "unit": np.array([units.get(name, "") for name in frame["analyte"]], dtype=object),
        "reported_cv": frame["cv"].to_numpy(),
        "reported_recovery": frame["recovery"].to_numpy(),
    }
    return well_frame(columns, len(frame))
