"""What did Olink's software (NPX Manager, Signature, Explore, MAP) export: NPX or concentrations, with LOD and QC?

Long tables (CSV with ; or ,, Parquet, XLSX) have one row per sample and assay; the wide table of NPX Manager is
olink_wide.py's. Column names as OlinkAnalyze's read_NPX knows them.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from cytoshift.findings import listed
from cytoshift.intake.instruments.affinity import Scale, Wells, affinity_wells, choose_scale, name_analytes, units_of
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.long_checks import drop_repeated, note_extent
from cytoshift.intake.instruments.long_table import (
    LongTable,
    map_texts,
    read_long_table,
    well_names,
)
from cytoshift.intake.instruments.olink_wide import is_wide, read_wide
from cytoshift.intake.instruments.readout import Options, Reader, Readout, Remark, no_curves, refuse
from cytoshift.intake.instruments.table_rows import find_header, sniff_table

ALIASES = {
    "sample": ("sampleid",),
    "index": ("index",),
    "olink_id": ("olinkid",),
    "assay": ("assay",),
    "panel": ("panel",),
    "block": ("block",),
    "plate": ("plateid",),
    "well": ("wellid",),
    "npx": ("npx",),
    "quantified": ("quantifiedvalue",),
    "unit": ("unit",),
    "lod": ("lod",),
    "lod_npx": ("lodnpx",),
    "lod_quantified": ("lodquant",),
    "plate_lod": ("platelod",),
    "max_lod": ("maxlod",),
    "uloq": ("uloq",),
    "sample_qc": ("qcwarning", "sampleqc"),
    "assay_qc": ("assaywarning", "assayqc"),
    "plate_qc": ("plateqc",),
    "sample_type": ("sampletype",),
    "assay_type": ("assaytype",),
    "normalization": ("normalization",),
    "count": ("count",),
}
NEEDED = (("sample",), ("olink_id",), ("npx", "quantified"))
SCALES = (
    Scale("npx", "NPX", ("lod_npx", "plate_lod", "lod", "max_lod"), (), -np.inf),
    Scale("quantified", "", ("lod_quantified", "plate_lod", "lod"), ("uloq",), 0.0),
)
_KEY = ("sample", "index", "plate", "well", "panel", "block", "olink_id")
_CHECKS = (("sample_qc", "sample"), ("plate_qc", "sample"), ("assay_qc", "assay"))
_TYPES = {
    "sample": "sample", "negativecontrol": "blank", "negative": "blank", "nc": "blank", "platecontrol": "control",
    "samplecontrol": "control", "control": "control", "ipc": "control", "sc": "control", "pc": "control",
}  # fmt: skip
_BLANK_NAME = re.compile(r"neg(?:ative)?[ _.-]?(?:ctrl|control)[ _.-]?[0-9]*", re.IGNORECASE)
_CONTROL_NAME = re.compile(
    r"(?:IPC|plate[ _.-]?(?:ctrl|control)|sample[ _.-]?control|inter[ _.-]?plate[ _.-]?control)[ _.-]?[0-9]*"
    r"|CONTROL_.*",
    re.IGNORECASE,
)
_TABLE = "table with the columns SampleID, OlinkID and NPX (or Quantified_value) of Olink"


def sniff(content: Content) -> str:
    """Why a file is one of Olink's; '' where it is not."""
    where = sniff_table(content, lambda rows: find_header(rows, ALIASES, NEEDED) >= 0)
    if where:
        return f"{where} has Olink's columns SampleID, OlinkID and NPX"
    where = sniff_table(content, is_wide)
    return f"{where} has the rows Panel, Assay and OlinkID of an Olink export in wide form" if where else ""


def read(content: Content, options: Options) -> Readout:
    """All samples × assays of an Olink export, long or wide.

    Raises Problems for a file that is cut off, for cells that are no numbers, for NPX beside concentrations (or two
    units) where the study file does not say which, and for one sample with two values of an assay.
    """
    if sniff_table(content, lambda rows: find_header(rows, ALIASES, NEEDED) >= 0):
        table, remarks = read_long_table(content, ALIASES, NEEDED, options, _TABLE)
    elif sniff_table(content, is_wide):
        table, remarks = read_wide(content, options, type_of_name)
    else:
        raise refuse(content.path, "", f"has no {_TABLE}")
    if not len(table):
        raise refuse(table.where, "", "has the header of an Olink export and no rows")
    if "well" in table.texts:
        table = table.with_text("well", well_names(table.text("well")))
    types = _sample_types(table)
    key = [name for name in _KEY if name in table.texts]
    table, repeated = drop_repeated(table, key, [*filter(key.__contains__, ("sample", "olink_id"))], types != "sample")
    table, controls = _without_internal_controls(table)
    scale = choose_scale(table, SCALES, options)
    table, units, left_out = units_of(_tidy(table, scale), scale, options)
    analytes, shared = name_analytes(table.text("assay"), table.text("olink_id"), table.text("panel"))
    checks = tuple(check for check in _CHECKS if check[0] in table.texts)
    wells, notes = affinity_wells(table, scale, units, Wells(_sample_types(table), analytes, checks), options)
    remarks += [*repeated, *controls, *left_out, *shared, *notes, *_note_normalization(table), *_extent(table)]
    software = "Olink (NPX)" if scale.value == "npx" else "Olink (concentrations)"
    return Readout("olink", software, wells, no_curves(), remarks)


def type_of_name(name: str) -> str:
    """What a sample is by its name alone, where no column says it."""
    if _BLANK_NAME.fullmatch(name):
        return "blank"
    return "control" if _CONTROL_NAME.fullmatch(name) else "sample"


def _sample_types(table: LongTable) -> np.ndarray:
    codes, names = pd.factorize(table.text("sample"))
    by_name = np.array([type_of_name(str(name)) for name in names], dtype=object)[codes]
    stated = table.text("sample_type")
    kinds = map_texts(stated, _TYPES, default="sample")
    return np.where(stated == "", by_name, kinds)


def _without_internal_controls(table: LongTable) -> tuple[LongTable, list[Remark]]:
    """Without the assays that are controls of the method itself, such as the incubation control."""
    kinds = map_texts(table.text("assay_type"), {"assay": "", "": ""})
    inside = kinds != ""
    if not inside.any():
        return table, []
    names = sorted(map(str, pd.unique(table.text("assay", "olink_id")[inside])))
    message = f"{listed(names)} are controls of the method, no proteins; left out"
    numbers: dict[str, float | str] = {"rows": float(inside.sum())}
    return table.take(~inside), [Remark("internal_controls", message, "note", "excluded", numbers)]


def _tidy(table: LongTable, scale: Scale) -> LongTable:
    """The same with values as numbers: "No Data" is a gap, and the mark # before a number is dropped."""
    codes, unique = pd.factorize(table.text(scale.value))
    bare = [str(cell).removeprefix("#") for cell in unique]
    words = np.array([*("NaN" if cell.casefold() == "no data" else cell for cell in bare), ""], dtype=object)
    return table.with_text(scale.value, words[codes])


def _note_normalization(table: LongTable) -> list[Remark]:
    kinds = [str(kind) for kind in pd.unique(table.text("normalization")) if kind and str(kind).upper() != "EXCLUDED"]
    if len(kinds) < 2:
        return []
    message = f"NPX are normalised in different ways ({listed(kinds)}), so they are on different scales"
    return [Remark("mixed_normalization", message)]


def _extent(table: LongTable) -> list[Remark]:
    units = [table.text(key) for key in ("sample", "index", "well")]
    groups = [table.text("plate"), table.text("panel", "block")]
    return note_extent(groups, units, table.text("olink_id"), ("sample", "assay"))


READER = Reader("olink", "Olink NPX or concentrations", sniff, read)
