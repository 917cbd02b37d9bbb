"""Write a simulated study as the files a laboratory would hand over, the same bytes every time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cytoshift.simulate.study import SimulatedStudy


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
    files = {"README.md": _readme(study), "samples.csv": _csv(study.samples)}
    for name, table in study.wells.items():
        files[f"plates/{name}"] = _csv(table)
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
        files["tcells.csv"] = _csv(_fixed(study.fractions, {f.written: f.decimals for f in design.fractions}))
    if design.outcomes:
        files["outcomes.csv"] = _csv(study.outcomes)
    files["truth.tsv"] = _csv(_fixed(study.truth, {"true_difference": 6}), separator="\t")
    return files


def _fixed(table: pd.DataFrame, decimals: Mapping[str, int]) -> pd.DataFrame:
    """The table with its numbers as text; adding 0.0 turns a negative zero into a plain one."""
    return table.assign(**{name: [f"{v + 0.0:.{d}f}" for v in table[name]] for name, d in decimals.items()})


def _csv(table: pd.DataFrame, separator: str = ",") -> str:
    return str(table.to_csv(index=False, sep=separator, lineterminator="\n"))


def _readme(study: SimulatedStudy) -> str:
    design = study.design
    arms = " and ".join(f"{arm.subjects} × {arm.id}" for arm in design.arms)
    visits = ", ".join(f"{visit.id} (written {visit.written})" for visit in design.visits)
    lines = [
        f"# {design.id}: SIMULATED data",
        "",
        f"**{design.title}. Nobody was treated and nothing was measured: every number comes from a random generator.**",
        "",
        f"Subjects: {arms}. Visits: {visits}.",
        f"Analytes: {len(design.analytes)}, in pg/mL, on {len(design.plates)} plate(s).",
        f"Seed: {study.seed}. From the root of the repository, this command writes the folder again, byte for byte:",
        "",
        "```",
        f"PYTHONPATH=workflow/scripts python -m cytoshift.simulate {design.id} data/{design.id} --seed {study.seed}",
        "```",
        "",
        "| file | what it holds |",
        "|---|---|",
        *(f"| `{name}` | {meaning} |" for name, meaning in _meanings(study)),
        "",
    ]
    return "\n".join(lines)


def _meanings(study: SimulatedStudy) -> list[tuple[str, str]]:
    files = [
        (
            "samples.csv",
            "one row per sample: patient, visit, arm, type, covariates; reference materials have no patient",
        ),
        (
            "plates/*.csv",
            f"what the reader exported: {study.design.wells} wells per sample; `<1.20` and `OOR <` are non-detects, "
            "`OOR >` is above range, an empty cell is a failed well",
        ),
        ("lod.csv", "reporting range of each analyte on each plate, pg/mL"),
        ("plates.csv", "plate, reagent lot and run date of each plate file"),
    ]
    if study.design.counts:
        files.append(("cbc.csv", "blood counts, 10^9/L; the total is the sum of the differential as printed"))
    if study.design.fractions:
        parents = "; ".join(f"{f.written} of {f.parent}" for f in study.design.fractions)
        files.append(("tcells.csv", f"flow cytometry, % of the parent: {parents}"))
    if study.design.outcomes:
        files.append(("outcomes.csv", "questionnaire scores, one row per attended visit"))
    files.append(
        (
            "truth.tsv",
            "the true difference of every feature, visit and arm on its analysis scale (`against`: the difference of "
            "the two arms' changes); for scores, the shift before rounding to whole numbers and range",
        )
    )
    return files
