"""What the report is made of: the tables on disk, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from cytoshift import tables
from cytoshift.frames import conform, read_table
from cytoshift.tables import Table

# without_flagged has the columns of shifts; every other table is called what tables/ calls it.
SCHEMAS: Mapping[str, Table] = {**tables.TABLES, "without_flagged": tables.SHIFTS}


@dataclass(frozen=True)
class ReportTables:
    """Every table the page and the workbook show; `findings` holds those of all stages, in the order of the stages."""

    samples: pd.DataFrame
    names: pd.DataFrame
    plates: pd.DataFrame
    curves: pd.DataFrame
    standards: pd.DataFrame
    agreement: pd.DataFrame
    plate_review: pd.DataFrame
    controls: pd.DataFrame
    plate_map: pd.DataFrame
    findings: pd.DataFrame
    replicates: pd.DataFrame
    sample_map: pd.DataFrame
    plate_factors: pd.DataFrame
    shifts: pd.DataFrame
    without_flagged: pd.DataFrame
    pairs: pd.DataFrame
    arm_changes: pd.DataFrame
    regression_to_mean: pd.DataFrame
    decisions: pd.DataFrame
    families: pd.DataFrame
    reference_change: pd.DataFrame


def read_tables(paths: Mapping[str, str], findings: Sequence[str]) -> ReportTables:
    """Read the tables of a study.

    paths: file by table name, one for each field of ReportTables but `findings`; findings: the files of the stages.
    """
    read = {
        field.name: read_table(Path(paths[field.name]), SCHEMAS[field.name])
        for field in fields(ReportTables)
        if field.name != "findings"
    }
    parts = [read_table(Path(path), tables.FINDINGS) for path in findings]
    filled = [part for part in parts if len(part)]
    joined = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()
    return ReportTables(findings=conform(joined, tables.FINDINGS), **read)
