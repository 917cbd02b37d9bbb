"""What does the wide table of Olink NPX Manager say: samples in rows, assays in columns, limits below them?

Above: a title row ("NPX data" or "Quantified data"), then Panel, Assay, Uniprot ID, OlinkID (and Unit) in the first
column; beside the assays the columns Plate ID and QC Warning of each panel. Below the samples: LOD, Missing Data freq.,
Normalization, or per plate Plate LOD, Assay warning, LLOQ, ULOQ. The layout is the one OlinkAnalyze's read_NPX reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cytoshift.findings import listed
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.long_table import LongTable, sheet_remark
from cytoshift.intake.instruments.readout import Options, Remark, refuse
from cytoshift.intake.instruments.table_rows import HEADER_WITHIN, Rows, check_lengths, fold, open_rows
from cytoshift.study.problem import Problem, Problems

_HEAD = {"panel": "panel", "assay": "assay", "uniprotid": "uniprot", "uniprot": "uniprot", "olinkid": "olink_id",
         "unit": "unit"}  # fmt: skip
_FOOT = {
    "lod": "lod", "maxlod": "lod", "platelod": "plate_lod", "missingdatafreq": "", "normalization": "normalization",
    "assaywarning": "assay_qc", "lowestquantifiablelevel": "", "lloq": "", "uloq": "uloq",
}  # fmt: skip
_TABLE = "wide table of Olink with the rows Panel, Assay and OlinkID"


@dataclass(frozen=True)
class _Frame:
    """Where things stand: head rows by meaning, columns of assays, and per panel those of plate and QC."""

    head: dict[str, int]
    assays: list[int]
    plate_of: dict[str, int]
    qc_of: dict[str, int]
    samples: list[int]
    foot: list[tuple[str, int]]


def is_wide(rows: list[list[str]]) -> bool:
    """Do the first rows name panel, assay and OlinkID in the first column?"""
    names = {_HEAD.get(fold(cells[0])) for cells in rows[:HEADER_WITHIN] if cells and cells[0]}
    return {"panel", "assay", "olink_id"} <= names


def read_wide(content: Content, options: Options, type_of_name: Callable[[str], str]) -> tuple[LongTable, list[Remark]]:
    """The table as a long one, one row per sample and assay, with the limits below the samples beside each value.

    Raises Problems for a title that is neither NPX nor quantified data, and for a sample that stands twice with
    different values.
    """
    rows, others = open_rows(content, is_wide, options.sheet, _TABLE)
    remarks = sheet_remark(rows.sheet, others, "such table")
    kind = _kind(rows)
    frame, skipped = _frame(rows)
    if skipped:
        message = f"columns {listed(skipped)} are controls of the method, no proteins; left out"
        remarks.append(Remark("internal_controls", message, "note", "excluded", {"columns": float(len(skipped))}))
    samples, repeated = _without_repeated(rows, frame, type_of_name)
    if not any(meaning in ("lod", "plate_lod") for meaning, _ in frame.foot):
        message = "no row with the limits of detection stands below the samples; the end of the table may be absent"
        remarks.append(Remark("limits_absent", message))
    return _melt(rows, frame, samples, kind), [*remarks, *repeated]


def _kind(rows: Rows) -> str:
    titles = [cell.casefold() for cells in rows.texts[:6] for cell in cells[:2] if cell]
    for word, kind in (("quantified data", "quantified"), ("npx data", "npx")):
        if any(title.startswith(word) for title in titles):
            return kind
    message = "has neither 'NPX data' nor 'Quantified data' above the table; legal: an export of NPX or concentrations"
    raise refuse(rows.where, "first rows", message)


def _frame(rows: Rows) -> tuple[_Frame, list[str]]:
    head, samples, foot = _sort_rows(rows)
    names, ids, panels = (rows.texts[head[meaning]] for meaning in ("assay", "olink_id", "panel"))
    assays, skipped = [], []
    plate_of: dict[str, int] = {}
    qc_of: dict[str, int] = {}
    for column in range(1, len(ids)):
        name = fold(names[column])
        if name == "plateid":
            plate_of[panels[column]] = column
        elif name == "qcwarning":
            qc_of[panels[column]] = column
        elif ids[column].upper().startswith("OID"):
            assays.append(column)
        elif names[column]:
            skipped.append(names[column])
    if not assays:
        raise refuse(rows.where, "OlinkID", "names no assay; legal: OID followed by digits")
    for place in samples:
        cells = rows.texts[place]
        if not any(cells[column] for column in (*assays, *plate_of.values())):
            raise refuse(rows.where, f"row {place + 1}", f"{cells[0]!r} stands among the samples and has no values")
    return _Frame(head, assays, plate_of, qc_of, samples, foot), skipped


def _sort_rows(rows: Rows) -> tuple[dict[str, int], list[int], list[tuple[str, int]]]:
    """Which rows are the head, the samples and the limits below them; Problems where they are out of order."""
    head: dict[str, int] = {}
    samples: list[int] = []
    foot: list[tuple[str, int]] = []
    for place, cells in enumerate(rows.texts):
        meaning = _HEAD.get(fold(cells[0])) if cells else None
        if not any(cells):
            continue
        if meaning and not samples:
            if meaning in head:
                raise refuse(rows.where, f"row {place + 1}", f"a second row {cells[0]!r} above the samples")
            head[meaning] = place
        elif "olink_id" not in head:
            if sum(map(bool, cells)) > 3:
                raise refuse(rows.where, f"row {place + 1}", "stands above the row OlinkID, which must come first")
        elif fold(cells[0]) in _FOOT:
            foot.append((_FOOT[fold(cells[0])], place))
        elif foot or not cells[0]:
            what = "stands below the limits" if foot else "has no sample's name"
            raise refuse(rows.where, f"row {place + 1}", f"{what}; export the file again")
        else:
            samples.append(place)
    if absent := [name for name in ("panel", "assay", "olink_id") if name not in head]:
        message = f"no row {listed(absent)} stands above the samples; export the file again"
        raise refuse(rows.where, "first rows", message)
    width = len(rows.texts[head["olink_id"]])
    table = [*head.values(), *samples, *(place for _, place in foot)]
    check_lengths(rows.where, {at + 1: len(rows.texts[at]) for at in table if len(rows.texts[at]) != width}, width)
    return head, samples, foot


def _without_repeated(rows: Rows, frame: _Frame, type_of_name: Callable[[str], str]) -> tuple[list[int], list[Remark]]:
    seen: dict[tuple[str, ...], int] = {}
    named: dict[tuple[str, ...], int] = {}
    kept: list[int] = []
    again: list[str] = []
    problems: list[Problem] = []
    for place in frame.samples:
        cells = rows.texts[place]
        if tuple(cells) in seen:
            again.append(str(place + 1))
            continue
        seen[tuple(cells)] = place
        key = (cells[0], *(cells[column] for column in frame.plate_of.values()))
        if key in named and type_of_name(cells[0]) == "sample":
            message = f"row {named[key] + 1} has other values for sample {cells[0]!r}; keep the right row only"
            problems.append(Problem(rows.where, f"row {place + 1}", message))
        named.setdefault(key, place)
        kept.append(place)
    if problems:
        raise Problems(problems)
    if not again:
        return kept, []
    message = f"row {listed(again)} says again what an earlier row says; read once"
    return kept, [Remark("repeated_lines", message, "warning", "excluded", {"rows": float(len(again))})]


def _melt(rows: Rows, frame: _Frame, samples: list[int], kind: str) -> LongTable:
    count, width = len(samples), len(frame.assays)
    head = {meaning: rows.texts[place] for meaning, place in frame.head.items()}
    assays = {meaning: np.array([cells[at] for at in frame.assays], dtype=object) for meaning, cells in head.items()}
    texts = {meaning: np.tile(cells, count) for meaning, cells in assays.items()}
    headers = {meaning: cells[0] for meaning, cells in head.items()}

    def spread(cell: Callable[[int, int], str]) -> np.ndarray:
        return np.array([cell(place, at) for place in samples for at in frame.assays], dtype=object)

    panel_of = dict(zip(frame.assays, assays["panel"], strict=True))
    texts["sample"] = spread(lambda place, at: rows.texts[place][0])
    texts["index"] = spread(lambda place, at: str(place + 1))
    texts[kind] = spread(lambda place, at: rows.texts[place][at])
    texts["column"] = np.tile(
        [rows.column_name(f"{head['assay'][at]} {head['olink_id'][at]}") for at in frame.assays], count
    )
    for meaning, columns in (("plate", frame.plate_of), ("sample_qc", frame.qc_of)):
        alone = next(iter(columns.values())) if len(columns) == 1 else None
        beside = [columns.get(panel_of[at], alone) for at in frame.assays]
        if any(beside):
            cells = [rows.texts[place][at] if at else "" for place in samples for at in beside]
            texts[meaning] = np.array(cells, dtype=object)
    headers |= {"sample": "sample", "index": "row", kind: "NPX" if kind == "npx" else "Quantified value"}
    headers |= {"column": "column", "plate": "Plate ID", "sample_qc": "QC Warning"}
    native = {key: np.zeros(count * width, dtype=bool) for key in (*texts, *(meaning for meaning, _ in frame.foot))}
    if rows.native:
        flags = [rows.native[place][at] for place in samples for at in frame.assays]
        native[kind] = np.array(flags, dtype=bool)
    for meaning, place in frame.foot:
        if meaning:
            _add_foot(rows, frame, (meaning, place), (texts, native), headers)
    table_rows = np.repeat(np.array(samples, dtype=int) + 1, width)
    return LongTable(rows.path, rows.sheet, headers, texts, native, table_rows)


def _add_foot(
    rows: Rows,
    frame: _Frame,
    foot: tuple[str, int],
    into: tuple[dict[str, np.ndarray], dict[str, np.ndarray]],
    headers: dict[str, str],
) -> None:
    """Put a row below the samples beside each value of its assay; one that names a plate, beside that plate's."""
    meaning, place = foot
    texts, native = into
    count = len(texts["sample"]) // len(frame.assays)
    cells = np.tile(np.array([rows.texts[place][at] for at in frame.assays], dtype=object), count)
    plates = {rows.texts[place][at] for at in frame.plate_of.values()} - {""}
    of_plate = np.isin(texts["plate"], list(plates)) if plates and "plate" in texts else np.ones(len(cells), dtype=bool)
    before = texts.get(meaning, np.full(len(cells), "", dtype=object))
    texts[meaning] = np.where(of_plate, cells, before)
    if rows.native:
        flags = np.tile(np.array([rows.native[place][at] for at in frame.assays], dtype=bool), count)
        native[meaning] = np.where(of_plate, flags, native[meaning])
    headers[meaning] = rows.texts[place][0]
