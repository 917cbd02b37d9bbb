"""What is this folder of simulated files, for somebody who finds it?"""

from __future__ import annotations

import pandas as pd

from cytoshift.simulate.assay import Assay
from cytoshift.simulate.laboratory import OUT_OF_RANGE
from cytoshift.simulate.study import SimulatedStudy


def describe_study(study: SimulatedStudy) -> str:
    """Write the README: what the study is, how to make it again, what each file holds, and what was planted.

    Parameters: `study`. Returns Markdown.
    """
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
        *(_raw_lines(study.design.assay, study.defects) if study.design.assay else ()),
    ]
    return "\n".join(lines)


def _meanings(study: SimulatedStudy) -> list[tuple[str, str]]:
    files = [
        (
            "samples.csv",
            "one row per sample: patient, visit, arm, type, covariates; reference materials have no patient",
        ),
        *_plate_meanings(study),
        ("plates.csv", "plate, reagent lot and run date of each plate file"),
    ]
    if study.design.counts:
        files.append(("cbc.csv", "blood counts, 10^9/L; the total is the sum of the differential as printed"))
    if study.design.fractions:
        files.append(
            ("flow.csv", "flow cytometry as FlowJo's table editor writes it: % of the parent, by path of gates")
        )
    if study.design.outcomes:
        files.append(("outcomes.csv", "questionnaire scores, one row per attended visit"))
    if study.raw:
        files.append(("defects.tsv", "every defect planted in the plates, and every value out of range: see below"))
    files.append(
        (
            "truth.tsv",
            "the true difference of every feature, visit and arm on its analysis scale (`against`: the difference of "
            "the two arms' changes); for scores, the shift before rounding to whole numbers and range",
        )
    )
    return files


def _plate_meanings(study: SimulatedStudy) -> list[tuple[str, str]]:
    if study.raw:
        return [("plates/*.csv", "one plate each, as xPONENT exports it: see below")]
    return [
        (
            "plates/*.csv",
            f"what the reader exported: {study.design.wells} wells per sample; `<1.20` and `OOR <` are non-detects, "
            "`OOR >` is above range, an empty cell is a failed well",
        ),
        ("lod.csv", "reporting range of each analyte on each plate, pg/mL"),
    ]


def _raw_lines(assay: Assay, defects: pd.DataFrame) -> list[str]:
    """How the plates were made, and what is wrong on them."""
    return [
        "## The plates",
        "",
        f"Each plate holds {assay.levels} standards ({assay.fold:g}-fold, {assay.replicates} wells each), "
        f"{assay.blanks} blanks, {len(assay.controls)} controls and the study's bridge samples; every sample stands in "
        f"{assay.replicates} wells, diluted 1:{assay.dilution:g}. A signal is a five-parameter logistic curve of the "
        "concentration in the well, above a background; curves differ between analytes, lots and plates. The wells "
        f"differ by {100 * assay.pipetting_sd:g} % in what is pipetted (standards and controls "
        f"{100 * assay.standard_sd:g} %), {100 * assay.reader_sd:g} % in reading and {assay.background_sd:g} MFI in "
        "background.",
        "",
        "- `Net MFI` = `Median` − mean of the plate's blanks.",
        "- `Result` = C · ((B / (Net MFI − A))^(1/F) − 1)^(1/D) × `Dilution Factor`, with the coefficients printed in "
        "the same file. They are the true curve's, each a little off, and do not know of the defects.",
        "- `< v` where Net MFI ≤ A and `> v` where Net MFI ≥ A + B; v is the lowest or highest standard, without the "
        "dilution factor.",
        "- `% Recovery` is of what a standard or control truly holds, whatever the file states that it holds.",
        "",
        "## What is wrong on them",
        "",
        "This and nothing else was planted; close to the detection limit replicate wells differ by more than 25 % now "
        "and then, which is noise. `defects.tsv` has a row for each (`wells` and `samples` separated by "
        "semicolons; `check`: the finding that names it, where there is one), and one for each analyte and plate with "
        "results out of range.",
        "",
        "| defect | plate | where | what |",
        "|---|---|---|---|",
        *_defect_lines(defects),
        "",
    ]


def _defect_lines(defects: pd.DataFrame) -> list[str]:
    open_ended = defects["defect"].isin(OUT_OF_RANGE)
    lines = []
    for row in defects[~open_ended].to_dict("records"):
        where = ", ".join(str(row[name]).replace(";", ", ") for name in ("analyte", "samples", "wells") if row[name])
        what = f"{row['what']}: {row['value'].replace(';', ', ')}" if row["value"] else row["what"]
        lines.append(f"| {row['defect']} | {row['plate']} | {where or 'every sample'} | {what} |")
    for name, part in defects[open_ended].groupby("defect", sort=False):
        where = ", ".join(dict.fromkeys(part["analyte"]))
        lines.append(f"| {name} | {', '.join(sorted(set(part['plate'])))} | {where} | {part['what'].iloc[0]} |")
    return lines
