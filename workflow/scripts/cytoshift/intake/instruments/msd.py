"""What did MSD Discovery Workbench (or Methodical Mind) say of each well and spot?

Workbench writes one row per well and assay under a line that names the plate; its words for the detection range say
which concentrations are numbers, which are extrapolated and which lie beyond the curve. Methodical Mind writes signals
only (msd_methodical.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cytoshift.findings import listed
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.long_checks import drop_repeated, note_extent
from cytoshift.intake.instruments.long_table import (
    LongTable,
    map_texts,
    read_numbers,
    sheet_remark,
    well_names,
)
from cytoshift.intake.instruments.msd_methodical import is_methodical, read_methodical
from cytoshift.intake.instruments.msd_replicates import note_replicates
from cytoshift.intake.instruments.readout import Options, Reader, Readout, Remark, no_curves, refuse, well_frame
from cytoshift.intake.instruments.table_rows import (
    Rows,
    check_header,
    check_lengths,
    find_header,
    has_needed,
    match_header,
    open_rows,
    sniff_table,
)
from cytoshift.intake.values import Parsed

ALIASES = {
    "plate": ("platename", "plateid", "plate"),
    "sample": ("sample", "samplename", "sampleid"),
    "assay": ("assay", "assayname"),
    "well": ("well",),
    "spot": ("spot",),
    "range": ("detectionrange",),
    "dilution": ("dilution", "dilutionfactor"),
    "expected": ("concentration", "standardconcentration"),
    "signal": ("signal",),
    "net_signal": ("adjustedsignal", "adjsignal"),
    "mean": ("mean",),
    "cv": ("cv", "%cv"),
    "value": ("calcconcentration", "calculatedconcentration", "calcconc"),
    "reported_mean": ("calcconcmean", "calculatedconcentrationmean"),
    "reported_cv": ("calcconccv", "calcconc%cv"),
    "recovery": ("%recovery",),
    "low": ("detectionlimitscalclow", "calclow"),
    "high": ("detectionlimitscalchigh", "calchigh"),
    "excluded": ("excluded",),
    "r_squared": ("fitstatisticrsquared",),
}
NEEDED = (("sample",), ("assay",), ("well",), ("signal",), ("value", "net_signal", "range", "spot", "mean"))
NUMBERS = (
    "dilution", "expected", "signal", "net_signal", "mean", "cv", "value", "reported_mean", "reported_cv", "recovery",
    "low", "high",
)  # fmt: skip
_TABLE = "table with the columns Sample, Assay, Well and Signal of MSD Discovery Workbench"
_STANDARD = re.compile(r"(?:S|STD|STANDARD|CAL|CALIBRATOR)[-_ ]?[0-9]+", re.IGNORECASE)
_UNKNOWN = re.compile(r"U[-_ ]?[0-9]{2,}", re.IGNORECASE)
_CONTROL = re.compile(r"(?:C|QC|CTRL|CONTROL)[-_ ]?[0-9]*|.*\bcontrol\b.*", re.IGNORECASE)
_BLANK = re.compile(r"(?:BLK|BLANK|ZERO)[-_ ]?[0-9]*", re.IGNORECASE)
_TITLE = re.compile(r"table|report|export|experiment", re.IGNORECASE)
_PLATE = re.compile(r"plate(?:[ _]?(?:id|name|#))?\s*:\s*(.+)", re.IGNORECASE)
_MARKED = dict.fromkeys(("yes", "true", "x", "1", "excluded"), "yes")


@dataclass
class _Block:
    """The rows under one header, and the plate that the line above it names."""

    plate: str
    columns: dict[str, int]
    header: list[str]
    rows: list[int] = field(default_factory=list)


def sniff(content: Content) -> str:
    """Why a file is one of MSD's; '' where it is not."""
    if is_methodical(content):
        return "its ====Data==== section and Spots Per Well are those of MSD Methodical Mind"
    where = sniff_table(content, lambda rows: find_header(rows, ALIASES, NEEDED) >= 0)
    return f"{where} has the columns Sample, Assay, Well and Signal of MSD Discovery Workbench" if where else ""


def read(content: Content, options: Options) -> Readout:
    """All wells of an export of Discovery Workbench (CSV, TXT, XLSX) or Methodical Mind (TXT).

    Raises Problems for a file that is cut off, for rows of another length, cells that are no numbers, and two rows
    that give one well and assay different values.
    """
    if is_methodical(content):
        return read_methodical(content)
    rows, others = open_rows(content, lambda head: find_header(head, ALIASES, NEEDED) >= 0, options.sheet, _TABLE)
    table, remarks = _table(rows)
    remarks += sheet_remark(rows.sheet, others, "such table")
    table, repeated = drop_repeated(table, ("plate", "well", "assay", "spot"), ("plate", "well", "assay"))
    parsed = read_numbers(table, NUMBERS, options)
    wells, notes = _wells(table, parsed)
    remarks += [*repeated, *notes, *note_replicates(table, parsed)]
    plates, names = table.text("plate"), table.text("assay")
    remarks += note_extent([plates], [table.text("well")], names, ("well", "assay"))
    return Readout("msd", "MSD Discovery Workbench", wells, no_curves(), remarks)


def _table(rows: Rows) -> tuple[LongTable, list[Remark]]:
    """The blocks of a file below one another, each with its plate."""
    blocks, remarks = _blocks(rows)
    keys = [key for key in ALIASES if any(key in block.columns for block in blocks)]
    places = [row for block in blocks for row in block.rows]
    texts, native = {}, {}
    for key in keys:
        cells: list[str] = []
        flags: list[bool] = []
        for block in blocks:
            at = block.columns.get(key)
            cells += ["" if at is None else rows.texts[row][at] for row in block.rows]
            flags += [bool(rows.native) and at is not None and rows.native[row][at] for row in block.rows]
        texts[key], native[key] = np.array(cells, dtype=object), np.array(flags, dtype=bool)
    plates = np.array([block.plate for block in blocks for _ in block.rows], dtype=object)
    own = texts.get("plate", plates)
    texts["plate"], native["plate"] = np.where(own == "", plates, own), np.zeros(len(plates), dtype=bool)
    texts["well"] = well_names(texts["well"])
    texts.setdefault("spot", np.full(len(plates), "", dtype=object))
    native.setdefault("spot", np.zeros(len(plates), dtype=bool))
    headers = {key: block.header[at] for block in reversed(blocks) for key, at in block.columns.items()}
    headers = {"plate": "plate", "spot": "Spot"} | headers
    table = LongTable(rows.path, rows.sheet, headers, texts, native, np.array(places, dtype=int) + 1)
    _require_plates(table, blocks)
    return table, remarks


def _blocks(rows: Rows) -> tuple[list[_Block], list[Remark]]:
    blocks: list[_Block] = []
    current: _Block | None = None
    above: list[str] = []  # single cells since the last block
    wrong: dict[int, int] = {}
    repeated: list[str] = []
    for place, cells in enumerate(rows.texts):
        filled = [cell for cell in cells if cell]
        if not filled:
            continue
        columns = match_header(cells, ALIASES)
        if has_needed(columns, NEEDED):
            check_header(rows.where, place + 1, cells, ALIASES)
            if current and cells == current.header and not current.rows:
                repeated.append(str(place + 1))
                continue
            if current and "plate" not in columns:
                message = "is a second header with no plate named above it; write the plate's name above each header"
                raise refuse(rows.where, f"row {place + 1}", message)
            current = _Block(_plate(above), columns, cells)
            blocks.append(current)
            above = []
        elif len(filled) == 1 or _PLATE.match(filled[0]):
            above.append(" ".join(filled))
            current = None
        elif current is None:
            if blocks or len(filled) > 5:
                message = "stands above the header of its plate; the line that names the columns must come first"
                raise refuse(rows.where, f"row {place + 1}", message)
        else:
            if len(cells) != len(current.header):
                wrong[place + 1] = len(cells)
            current.rows.append(place)
    check_lengths(rows.where, wrong, len(blocks[0].header))
    if blocks and above:
        raise refuse(
            rows.where, "last rows", f"{above[-1]!r} names a plate and no header follows; export the file again"
        )
    note = f"the header stands twice in row {listed(repeated)}; read once"
    return blocks, [Remark("repeated_lines", note, "note", "nothing")] if repeated else []


def _plate(above: list[str]) -> str:
    """The plate that the single cells above a header name; '' where they name none."""
    labelled = [found[1].strip(" <>") for text in above if (found := _PLATE.match(text))]
    if labelled:
        return labelled[-1]
    named = [text for text in above if text.casefold().startswith("plate")]
    named = named or [text for text in above if not _TITLE.search(text)]
    return named[-1] if named else ""


def _require_plates(table: LongTable, blocks: list[_Block]) -> None:
    if not len(table):
        raise refuse(table.where, "", "has a header of MSD Discovery Workbench and no rows")
    nameless = table.text("plate") == ""
    if len(blocks) > 1 and nameless.any():
        row = table.rows[nameless][0]
        raise refuse(table.where, f"row {row}", "belongs to no plate; write the plate's name above its header")
    names = [block.plate for block in blocks if block.plate]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice and "plate" not in blocks[0].columns:
        raise refuse(table.where, "plate", f"{listed(twice)} is named above two headers; give each plate its own name")


def _wells(table: LongTable, parsed: dict[str, Parsed]) -> tuple[pd.DataFrame, list[Remark]]:
    value = parsed["value"]
    status, open_limit, reason, remarks = _status(table, value)
    expected = parsed["expected"].value
    kind = _types(table.text("sample"), expected)
    # a gap that the range's words place below or above is an interval with an open end
    lower = np.where((status == "below") & open_limit, 0.0, value.lower)
    upper = np.where((status == "above") & open_limit, np.inf, value.upper)
    written = table.text("sample")
    has_value = table.text("value") != ""
    columns: dict[str, object] = {
        "plate": table.text("plate"), "well": table.text("well"), "written": written, "type": kind,
        "level": np.where(kind == "sample", "", written), "analyte": table.text("assay"),
        "signal": parsed["signal"].value, "net_signal": parsed["net_signal"].value,
        "dilution": parsed["dilution"].value, "expected": np.where(kind == "sample", np.nan, expected),
        "value": value.value, "lower": lower, "upper": upper, "status": status,
        "open_limit": open_limit, "column_lower": parsed["low"].value, "column_upper": parsed["high"].value,
        "reason": reason, "outlier": map_texts(table.text("excluded"), _MARKED) == "yes",
        "reported_mean": parsed["reported_mean"].value, "reported_cv": parsed["reported_cv"].value,
        "reported_recovery": parsed["recovery"].value, "source_row": table.rows,
        "source_column": np.where(has_value, table.column_name("value"), table.column_name("signal")),
    }  # fmt: skip
    return well_frame(columns, len(table)), remarks


def _status(table: LongTable, value: Parsed) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Remark]]:
    """Status, open limit and reason of each row: the cell's own, sharpened by the words for the detection range."""
    words = table.text("range")
    folded = np.array([str(word).casefold() for word in words], dtype=object)
    under = np.array(["below" in word for word in folded], dtype=bool)
    over = np.array(["above" in word for word in folded], dtype=bool)
    status, open_limit = value.status.copy(), value.open_limit.copy()
    number = status == "observed"
    status[number & (under | over)] = "extrapolated"
    gap = status == "missing"
    status[gap & under & ~over], status[gap & over & ~under] = "below", "above"
    open_limit |= gap & (under ^ over)
    written = table.text("value")
    bare = np.where(written == "", "no concentration in the file", written + " in the file")
    reason = np.where(under | over, words, np.where(status == "missing", bare, ""))
    remarks: list[Remark] = []
    if "value" not in table.texts:
        remarks.append(Remark("column_absent", "no Calc. Concentration column: signals only"))
    elif "range" not in table.texts:
        message = "no Detection Range column: an extrapolated concentration cannot be told from one within the range"
        remarks.append(Remark("column_absent", message, "note", "nothing"))
    beyond = number & np.array(["fit curve" in word for word in folded], dtype=bool)
    if beyond.any():
        rows = [str(row) for row in table.rows[beyond]]
        message = f"row {listed(rows)} gives a concentration beyond the fitted curve; kept as extrapolated"
        remarks.append(Remark("number_beyond_curve", message, numbers={"rows": float(beyond.sum())}))
    return status, open_limit, reason, remarks


def _types(samples: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """What each row's well holds, by the software's names (S001, U001, C1) and the expected concentration."""
    codes, names = pd.factorize(samples)
    stated = pd.Series(expected).groupby(codes).max().reindex(range(len(names))).to_numpy()
    softwares = any(_UNKNOWN.fullmatch(str(name)) for name in names)
    kinds = [_type(str(name), concentration, softwares) for name, concentration in zip(names, stated, strict=True)]
    return np.array(kinds, dtype=object)[codes]


def _type(name: str, concentration: float, softwares: bool) -> str:
    standard = _STANDARD.fullmatch(name) is not None
    if _UNKNOWN.fullmatch(name):
        return "sample"
    if _CONTROL.fullmatch(name):
        return "control"
    if _BLANK.fullmatch(name) or (standard and concentration == 0):
        return "blank"
    # people call samples S001 too: without a concentration that is a standard only beside the software's U001
    return "standard" if concentration > 0 or (standard and softwares) else "sample"


READER = Reader("msd", "MSD Discovery Workbench or Methodical Mind", sniff, read)
