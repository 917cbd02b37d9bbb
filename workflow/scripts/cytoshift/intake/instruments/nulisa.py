"""What did NULISAseq (Alamar) export: NPQ, which are log2, or concentrations, with a LOD per plate?

Long tables in CSV or XLSX with the columns that Alamar's NULISAseqR writes.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from cytoshift.intake.instruments.affinity import Scale, Wells, affinity_wells, choose_scale, name_analytes
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.long_checks import drop_repeated, note_extent
from cytoshift.intake.instruments.long_table import (
    LongTable,
    map_texts,
    read_long_table,
    well_names,
)
from cytoshift.intake.instruments.readout import Options, Reader, Readout, no_curves, refuse
from cytoshift.intake.instruments.table_rows import find_header, sniff_table

ALIASES = {
    "panel": ("panel",),
    "plate": ("plateid",),
    "sample": ("samplename", "sampleid"),
    "sample_type": ("sampletype",),
    "well": ("well", "wellid", "autowellposition"),
    "barcode": ("samplebarcode",),
    "target": ("target",),
    "target_id": ("alamartargetid",),
    "sample_qc": ("sampleqc", "sampleqcstatus"),
    "target_qc": ("targetqc", "targetqcstatus"),
    "lod": ("lod",),
    "count": ("unnormalizedcount",),
    "npq": ("npq", "log2normalizedcount"),
    "concentration": ("concpgml",),
    "lod_concentration": ("lodpgml",),
    "uloq": ("uloqpgml",),
}
NEEDED = (("sample",), ("target",), ("target_id",), ("npq", "concentration"))
SCALES = (
    Scale("npq", "NPQ", ("lod",), (), -np.inf),
    Scale("concentration", "pg/mL", ("lod_concentration",), ("uloq",), 0.0),
)
_KEY = ("sample", "barcode", "plate", "well", "sample_type", "panel", "target_id", "target")
_CHECKS = (("sample_qc", "sample"), ("target_qc", "assay"))
_TYPES = {
    "sample": "sample", "bridge": "sample", "nc": "blank", "negativecontrol": "blank", "ipc": "control",
    "interplatecontrol": "control", "sc": "control", "samplecontrol": "control", "aqsc": "control",
    "calibrator": "control",
}  # fmt: skip
_BLANK_NAME = re.compile(r"(?:.*_)?NC[ _-]?[0-9]", re.IGNORECASE)
_CONTROL_NAME = re.compile(r"(?:.*_)?(?:IPC|SC|AQSC)[ _-]?[0-9]", re.IGNORECASE)
_TABLE = "table with the columns SampleName, Target, AlamarTargetID and NPQ of NULISAseq"


def sniff(content: Content) -> str:
    """Why a file is one of NULISAseq's; '' where it is not."""
    where = sniff_table(content, lambda rows: find_header(rows, ALIASES, NEEDED) >= 0)
    return f"{where} has NULISAseq's columns Target, AlamarTargetID and NPQ" if where else ""


def read(content: Content, options: Options) -> Readout:
    """All samples × targets of a NULISAseq export.

    Raises Problems for a file that is cut off, cells that are no numbers, NPQ beside concentrations where the study
    file does not say which, and one sample with two values of a target.
    """
    table, remarks = read_long_table(content, ALIASES, NEEDED, options, _TABLE)
    if not len(table):
        raise refuse(table.where, "", "has the header of a NULISAseq export and no rows")
    if "well" in table.texts:
        table = table.with_text("well", well_names(table.text("well")))
    key = [name for name in _KEY if name in table.texts]
    free = _sample_types(table) != "sample"
    table, repeated = drop_repeated(table, key, ["sample", "target"], free)
    scale = choose_scale(table, SCALES, options)
    targets, shared = name_analytes(table.text("target"), table.text("target_id"), table.text("panel"), "target")
    checks = tuple(check for check in _CHECKS if check[0] in table.texts)
    units = np.full(len(table), scale.unit, dtype=object)
    wells, notes = affinity_wells(table, scale, units, Wells(_sample_types(table), targets, checks), options)
    run = [table.text(key) for key in ("sample", "well", "barcode")]
    extent = note_extent([table.text("plate")], run, targets, ("sample", "target"))
    return Readout("nulisa", "Alamar NULISAseq", wells, no_curves(), [*remarks, *repeated, *shared, *notes, *extent])


def _sample_types(table: LongTable) -> np.ndarray:
    codes, names = pd.factorize(table.text("sample"))
    kinds = np.array([_type_of_name(str(name)) for name in names], dtype=object)[codes]
    stated = table.text("sample_type")
    return np.where(stated == "", kinds, map_texts(stated, _TYPES, default="sample"))


def _type_of_name(name: str) -> str:
    if _BLANK_NAME.fullmatch(name):
        return "blank"
    return "control" if _CONTROL_NAME.fullmatch(name) else "sample"


READER = Reader("nulisa", "Alamar NULISAseq", sniff, read)
