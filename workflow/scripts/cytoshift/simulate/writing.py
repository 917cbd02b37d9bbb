"""Write a simulated study as the files a laboratory would hand over, the same bytes every time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cytoshift.simulate.flowjo import write_flowjo
from cytoshift.simulate.readme import describe_study
from cytoshift.simulate.study import SimulatedStudy
from cytoshift.simulate.xponent import write_xponent


def write_study(study: SimulatedStudy, folder: Path) -> list[Path]:
    """Write every table of a study, and a README that says that it is simulated.

    Parameters: `study`; `folder`, made where it does not exist; files of the same names are replaced.
    Returns the paths written, in order. Raises OSError where the folder cannot be written.
    """
    paths = []
    for name, text in study_files(study).items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8"))  # bytes: no line ending of the machine's own
        paths.append(path)
    return paths


def study_files(study: SimulatedStudy) -> dict[str, str]:
    """Write every file of a study as text.

    Parameters: `study`. Returns the path below the study's folder → its text; lines end in a line feed, numbers have a
    fixed count of decimals. Tables that the design does not ask for are left out.
    """
    design = study.design
    files = {"README.md": describe_study(study), "samples.csv": _csv(study.samples)}
    for name, table in study.wells.items():
        files[f"plates/{name}"] = _csv(table)
    for name, raw in study.raw.items():
        files[f"plates/{name}"] = write_xponent(raw, f"{design.id} {raw.plate.id}")
    if study.wells:
        limits = study.limits.copy()
        decimals = {analyte.written: analyte.decimals for analyte in design.analytes}
        for end in ("lower", "upper"):
            limits[end] = [f"{v:.{decimals[a]}f}" for a, v in zip(limits["analyte"], limits[end], strict=True)]
        files["lod.csv"] = _csv(limits)
    files["plates.csv"] = _csv(study.plates)
    if design.counts:
        total = {design.total.written: 2} if design.total else {}
        files["cbc.csv"] = _csv(_fixed(study.counts, total | {c.written: c.decimals for c in design.counts}))
    if design.fractions:
        files["flow.csv"] = write_flowjo(study.fractions, design.fractions)
    if design.outcomes:
        files["outcomes.csv"] = _csv(study.outcomes)
    if study.raw:
        files["defects.tsv"] = _csv(study.defects, separator="\t")
    files["truth.tsv"] = _csv(_fixed(study.truth, {"true_difference": 6}), separator="\t")
    return files


def _fixed(table: pd.DataFrame, decimals: Mapping[str, int]) -> pd.DataFrame:
    """The table with its numbers as text; adding 0.0 turns a negative zero into a plain one."""
    return table.assign(**{name: [f"{v + 0.0:.{d}f}" for v in table[name]] for name, d in decimals.items()})


def _csv(table: pd.DataFrame, separator: str = ",") -> str:
    return str(table.to_csv(index=False, sep=separator, lineterminator="\n"))
