"""Every table between stages: its columns, their types, units, legal values and meaning, defined once.

Checks, Parquet schemas (frames.py), the workbook's column sheet and results/README.md all come from here.
"""

from __future__ import annotations

from cytoshift.tables.calibration import (
    AGREEMENT,
    CONCENTRATIONS,
    CURVES,
    INSTRUMENT_CURVES,
    LIMIT_SOURCES,
    STANDARDS,
    WELL_TYPES,
    WELLS,
)
from cytoshift.tables.files import CELLS, MEASUREMENTS, NAMES, OUTCOMES, PLATES, SAMPLES
from cytoshift.tables.model import LAYERS, SCALES, STATUS, Column, Table
from cytoshift.tables.plates import CONTROLS, PLATE_MAP, PLATE_REVIEW
from cytoshift.tables.quality import FINDINGS, PANEL, PLATE_FACTORS, REPLICATES, SAMPLE_MAP, VALUES
from cytoshift.tables.reference_change import REFERENCE_CHANGE
from cytoshift.tables.shift import ARM_CHANGES, DECISIONS, FAMILIES, PAIRS, REGRESSION_TO_MEAN, SHIFTS

__all__ = [
    "AGREEMENT",     "ARM_CHANGES",     "CELLS",     "CONCENTRATIONS",     "CONTROLS",     "CURVES",
    "DECISIONS",     "FAMILIES",     "FINDINGS",     "INSTRUMENT_CURVES",     "LAYERS",     "LIMIT_SOURCES",
    "MEASUREMENTS",     "NAMES",     "OUTCOMES",     "PAIRS",     "PANEL",     "PLATES",     "PLATE_FACTORS",
    "PLATE_MAP",     "PLATE_REVIEW",     "REFERENCE_CHANGE",     "REGRESSION_TO_MEAN",     "REPLICATES",     "SAMPLES",
    "SAMPLE_MAP",     "SCALES",     "SHIFTS",     "STANDARDS",     "STATUS",     "TABLES",     "VALUES",     "WELLS",
    "WELL_TYPES",     "Column",     "Table",
]  # fmt: skip

_ORDER = (
    SAMPLES, MEASUREMENTS, WELLS, INSTRUMENT_CURVES, CELLS, OUTCOMES, PLATES, NAMES, CURVES, STANDARDS,
    CONCENTRATIONS, AGREEMENT, VALUES, REPLICATES, PLATE_REVIEW, CONTROLS, PLATE_MAP, FINDINGS, SAMPLE_MAP,
    PANEL, PLATE_FACTORS, PAIRS, SHIFTS, ARM_CHANGES, REGRESSION_TO_MEAN, DECISIONS, FAMILIES, REFERENCE_CHANGE,
)  # fmt: skip
TABLES = {table.name: table for table in _ORDER}
