"""What did BioLegend's LEGENDplex software export: one row per well or sample, one column per bead?

The bead's code beside each analyte ("IL-6 (A10)", "A4: IL-1β") makes such a table known; C0 to C7 are its standards.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.findings import listed
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.long_checks import drop_repeated
from cytoshift.intake.instruments.long_table import LongTable, read_numbers, sheet_remark, well_names
from cytoshift.intake.instruments.readout import Options, Reader, Readout, Remark, no_curves, refuse, well_frame
from cytoshift.intake.instruments.table_rows import (
    HEADER_WITHIN,
    Rows,
    check_header,
    check_lengths,
    fold,
    match_header,
    open_rows,
    sniff_table,
)

ALIASES = {
    "sample": ("name", "samplename", "sample", "sampleid", "id"),
    "well": ("well", "wellid"),
    "plate": ("plate", "plateid", "platename"),
    "type": ("sampletype", "type"),
    "dilution": ("dilution", "dilutionfactor"),
}
_BEAD = re.compile(r"(?P<name>.+?)\s*\((?P<code>[AB][0-9]{1,2})\)|(?P<code2>[AB][0-9]{1,2})\s*[:_-]\s*(?P<name2>.+)")
_UNIT = re.compile(r"\s*[\[(,]?\s*(?P<unit>[pnfuµμ]g ?/ ?mL|MFI)\s*[\])]?", re.IGNORECASE)
_WITH_UNIT = re.compile(rf"(?P<body>.+?)(?:\s|(?=[\[(,])){_UNIT.pattern}", re.IGNORECASE)
_LEVEL = re.compile(r"(?:standard|std)?[ _-]?(?P<level>C[0-7])(?:[ _.-](?:[0-9]|rep ?[0-9]))?", re.IGNORECASE)
_LIMITS = frozenset(("lod", "limitofdetection", "mindetectableconcentration", "mdc", "sensitivity"))
_STATISTICS = frozenset(("mean", "average", "median", "sd", "stdev", "cv", "%cv", "min", "max", "minimum", "maximum"))
_KINDS = {
    "standard": "standard", "std": "standard", "calibrator": "standard", "blank": "blank", "control": "control",
    "qc": "control", "sample": "sample", "unknown": "sample",
}  # fmt: skip
_FEWEST_BEADS = 2
_FEWEST_LEVELS = 4  # of C0 to C7 before a C1 is taken for a standard and not for somebody's sample
_TABLE = "table with LEGENDplex analytes, each with the code of its bead, as in 'IL-6 (A10)'"


@dataclass(frozen=True)
class _Bead:
    """A column of one analyte: its name without the bead's code, the code, the unit or "MFI"."""

    name: str
    code: str
    unit: str


def sniff(content: Content) -> str:
    """Why a file is a LEGENDplex table; '' where it is not."""
    where = sniff_table(content, lambda rows: _header_place(rows) >= 0)
    return f"{where} names analytes with LEGENDplex bead codes" if where else ""


def read(content: Content, options: Options) -> Readout:
    """All wells × analytes of a LEGENDplex table; columns in MFI are signals, the others concentrations.

    Raises Problems for a file that is cut off, a second header, rows of another length, cells that are no numbers and
    one well with two values of an analyte.
    """
    rows, others = open_rows(content, lambda head: _header_place(head) >= 0, options.sheet, _TABLE)
    place = _header_place(rows.texts)
    header = rows.texts[place]
    check_header(rows.where, place + 1, header, ALIASES)
    beads = {at: bead for at, cell in enumerate(header) if (bead := _bead(cell))}
    units_row, body, limits, skipped, again = _body(rows, place, beads)
    if units_row is not None:
        units = {at: _unit(rows.texts[units_row][at]) for at in beads}
        beads = {at: _Bead(bead.name, bead.code, bead.unit or units[at]) for at, bead in beads.items()}
    table = _melt(rows, place, beads, (body, limits))
    remarks = [*sheet_remark(rows.sheet, others, "such table"), *_skip_remarks(skipped, again)]
    if "well" in table.headers:
        table, _ = drop_repeated(table, ("plate", "well", "analyte"), ("well", "analyte"))
    wells, notes = _wells(table, options)
    return Readout("legendplex", "BioLegend LEGENDplex", wells, no_curves(), [*remarks, *notes])


def _bead(cell: str) -> _Bead | None:
    found = _WITH_UNIT.fullmatch(cell)
    body, unit = (found["body"].strip(" ,"), found["unit"]) if found else (cell, "")
    match = _BEAD.fullmatch(body)
    if match is None:
        return None
    return _Bead((match["name"] or match["name2"]).strip(), match["code"] or match["code2"], unit)


def _unit(cell: str) -> str:
    found = _UNIT.fullmatch(cell)
    return found["unit"] if found else ""


def _header_place(rows: list[list[str]]) -> int:
    """The first row with a column of names or wells and at least two beads, which are most of its columns."""
    for place, cells in enumerate(rows[:HEADER_WITHIN]):
        beads = sum(_bead(cell) is not None for cell in cells)
        filled = sum(map(bool, cells))
        if beads >= _FEWEST_BEADS and 2 * beads >= filled and {"sample", "well"} & set(match_header(cells, ALIASES)):
            return place
    return -1


def _body(
    rows: Rows, place: int, beads: dict[int, _Bead]
) -> tuple[int | None, list[int], list[int], list[str], list[str]]:
    """Rows of units, of wells, of limits, and the names of statistics and numbers of headers passed over."""
    header = rows.texts[place]
    named = match_header(header, ALIASES)
    names = named.get("sample", named.get("well", 0))
    units: int | None = None
    body, limits, skipped, again = list[int](), list[int](), list[str](), list[str]()
    wrong: dict[int, int] = {}
    seen = {tuple(header)}
    for above in range(place):
        if sum(map(bool, rows.texts[above])) > 3:
            raise refuse(rows.where, f"row {above + 1}", "stands above the header, which must come first")
    for at in range(place + 1, len(rows.texts)):
        cells = rows.texts[at]
        if not any(cells):
            continue
        if len(cells) != len(header):
            wrong[at + 1] = len(cells)
        elif tuple(cells) in seen:
            again.append(str(at + 1))
        elif sum(_bead(cell) is not None for cell in cells) >= _FEWEST_BEADS:
            raise refuse(rows.where, f"row {at + 1}", "is a second header; export the concentrations as one table")
        elif not cells[names] and all(_unit(cells[bead]) or not cells[bead] for bead in beads):
            if units is not None and rows.texts[units] != cells:
                raise refuse(rows.where, f"row {at + 1}", f"has other units than row {units + 1}")
            units = at
        elif fold(cells[names]) in _LIMITS:
            limits.append(at)
        elif fold(cells[names]) in _STATISTICS:
            skipped.append(cells[names])
        else:
            seen.add(tuple(cells))
            body.append(at)
    check_lengths(rows.where, wrong, len(header))
    if not body:
        raise refuse(rows.where, "", "has the header of a LEGENDplex table and no rows")
    if len(limits) > 1:
        lines = [str(at + 1) for at in limits]
        raise refuse(rows.where, f"rows {listed(lines)}", "are all limits of detection; keep one")
    return units, body, limits, skipped, again


def _skip_remarks(skipped: list[str], again: list[str]) -> list[Remark]:
    remarks = []
    if skipped:
        remarks.append(Remark("statistics_rows", f"rows {listed(skipped)} are statistics, no wells", "note", "nothing"))
    if again:
        message = f"row {listed(again)} says again what an earlier row says; read once"
        remarks.append(Remark("repeated_lines", message, "warning", "excluded", {"rows": float(len(again))}))
    return remarks


def _melt(rows: Rows, place: int, beads: dict[int, _Bead], where: tuple[list[int], list[int]]) -> LongTable:
    """One row per well and analyte: its concentration and signal, and its limit of detection."""
    body, limits = where
    header = rows.texts[place]
    columns: dict[tuple[str, str], dict[str, int]] = {}
    for at, bead in beads.items():
        kind = "signal" if bead.unit.upper() == "MFI" else "value"
        own = columns.setdefault((bead.name, bead.code), {})
        if kind in own:
            message = f"columns {header[own[kind]]!r} and {header[at]!r} are one analyte; delete or rename one"
            raise refuse(rows.where, f"row {place + 1}", message)
        own[kind] = at
    names = [name for name, _ in columns]
    labels = [name if names.count(name) == 1 else f"{name} ({code})" for name, code in columns]
    named = match_header(header, ALIASES)
    count, width = len(body), len(columns)
    texts = {key: np.repeat([rows.texts[row][at] for row in body], width).astype(object) for key, at in named.items()}
    native = {key: np.repeat([bool(rows.native) and rows.native[row][at] for row in body], width)
              for key, at in named.items()}  # fmt: skip
    for kind, sources in (("value", body), ("signal", body), ("limit", limits * count)):
        places = [own.get("value" if kind == "limit" else kind) for own in columns.values()]
        cells = [rows.texts[row][at] if at is not None else "" for row in sources for at in places]
        flags = [bool(rows.native) and at is not None and rows.native[row][at] for row in sources for at in places]
        if cells and any(at is not None for at in places):
            texts[kind], native[kind] = np.array(cells, dtype=object), np.array(flags, dtype=bool)
    shown = [header[own.get("value", own.get("signal", 0))] for own in columns.values()]
    texts["analyte"] = np.tile(np.array(labels, dtype=object), count)
    texts["column"] = np.tile(np.array([rows.column_name(cell) for cell in shown], dtype=object), count)
    units = [beads[own["value"]].unit if "value" in own else "" for own in columns.values()]
    texts["unit"] = np.tile(np.array(units, dtype=object), count)
    texts["plate"] = texts.get("plate", np.full(count * width, "", dtype=object))
    texts["well"] = well_names(texts.get("well", np.full(count * width, "", dtype=object)))
    texts["sample"] = texts.get("sample", np.full(count * width, "", dtype=object))
    native |= {key: np.zeros(count * width, dtype=bool) for key in texts if key not in native}
    headers = {key: header[at] for key, at in named.items()}
    headers |= {"analyte": "analyte", "value": "concentration", "signal": "MFI", "limit": "limit of detection"}
    headers = {"sample": "sample", "plate": "plate", **headers}
    numbers = np.repeat(np.array(body, dtype=int) + 1, width)
    return LongTable(rows.path, rows.sheet, headers, texts, native, numbers)


def _wells(table: LongTable, options: Options) -> tuple[pd.DataFrame, list[Remark]]:
    parsed = read_numbers(table, ("value", "signal", "limit", "dilution"), options)
    value = parsed["value"]
    types, levels = _types(table)
    written = table.text("value")
    reason = np.where(written == "", "no concentration in the file", written + " in the file")
    columns: dict[str, object] = {
        "plate": table.text("plate"), "well": table.text("well"), "written": table.text("sample"), "type": types,
        "type_stated": table.text("type") != "", "level": levels, "analyte": table.text("analyte"),
        "signal": parsed["signal"].value,
        "dilution": parsed["dilution"].value, "unit": table.text("unit"), "value": value.value, "lower": value.lower,
        "upper": value.upper, "status": value.status, "open_limit": value.open_limit,
        "column_lower": parsed["limit"].value, "reason": np.where(value.status == "missing", reason, ""),
        "source_row": table.rows, "source_column": table.text("column"),
    }  # fmt: skip
    wells = well_frame(columns, len(table))
    lines, analytes = len(pd.unique(table.rows)), wells["analyte"].nunique()
    standards = sorted({str(level) for level in levels[np.isin(types, ["standard", "blank"])]})
    with_standards = f", standards {listed(standards)}" if standards else ", no standards"
    message = f"read {lines} wells × {analytes} analytes{with_standards}; nothing in this format marks its end"
    remarks = [Remark("extent", message, "note", "nothing", {"rows": float(len(table))})]
    unnamed = (wells["unit"] == "") & (table.text("value") != "")
    if unnamed.any():
        of = wells["analyte"][unnamed].unique()
        message = f"the file states no unit for {listed(of)}; the study file's is taken"
        remarks.append(Remark("unit_absent", message, "warning", "flagged", {"analytes": float(len(of))}))
    by_name = wells[(wells["type"] == "sample") & (wells["well"] == "")].groupby(["plate", "written", "analyte"]).size()
    if (by_name > 1).any():
        twice = by_name[by_name > 1].index.get_level_values("written").unique()
        message = f"without a column of wells, rows of the same name are taken for replicates: {listed(twice)}"
        remarks.append(Remark("replicates_by_name", message, "warning", "flagged"))
    return wells, remarks


def _types(table: LongTable) -> tuple[np.ndarray, np.ndarray]:
    names, stated = table.text("sample"), table.text("type")
    codes, unique = pd.factorize(names)
    found = [_LEVEL.fullmatch(str(name)) for name in unique]
    level = np.array([*(match["level"].upper() if match else "" for match in found), ""], dtype=object)[codes]
    series = len(set(level) - {""}) >= _FEWEST_LEVELS
    kinds = np.array([_KINDS.get(fold(str(cell)), "") for cell in stated], dtype=object)
    is_standard = (kinds == "standard") | (series & (level != "") & (kinds == ""))
    types = np.where(is_standard, np.where(level == "C0", "blank", "standard"), np.where(kinds == "", "sample", kinds))
    return types, np.where(types == "sample", "", np.where(level == "", names, level))


READER = Reader("legendplex", "BioLegend LEGENDplex", sniff, read)
