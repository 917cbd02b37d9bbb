"""What does each file below results/<study>/ mean? Written from tables/."""

from __future__ import annotations

from typing import NamedTuple

from cytoshift.tables import TABLES, Column, Table


class Output(NamedTuple):
    """A file of the results: its path below results/<study>/, what it is, and its table where it is one."""

    path: str
    meaning: str
    table: str = ""


STAGES = {
    "intake": "What exactly do the files say? Every value with its bounds, status and source cell, as read.",
    "calibrate": "What concentration does this signal mean? Standard curves, limits, and the instrument audited.",
    "quality": "Which wells, samples and pairs can be trusted? One value per sample and feature; exclusions counted.",
    "normalize": "What is comparable across plates and samples? The panel on its analysis scale, still with bounds.",
    "shift": "Did it move, and how sure are we? Estimates, intervals, p-values; decisions by family.",
    "report": "Can a person read it, and another repeat it?",
}
OUTPUTS = (
    Output("intake/checked.json", "that plan and files fit together: counts, and the sha256 of every input file"),
    Output("intake/samples.parquet", "who was measured when", "samples"),
    Output("intake/measurements.parquet", "cytokines as read", "measurements"),
    Output("intake/wells.parquet", "every well of instruments' files, standards and blanks included, as read", "wells"),
    Output("intake/instrument_curves.tsv", "the curves the instruments' software fitted", "instrument_curves"),
    Output("intake/cells.parquet", "cell counts and fractions as read", "cells"),
    Output("intake/outcomes.parquet", "clinical scores as read", "outcomes"),
    Output("intake/plates.tsv", "the plates: batch, lot and run date where they are known", "plates"),
    Output("intake/names.tsv", "how each name in the files was understood", "names"),
    Output("intake/findings.tsv", "what was noticed while reading", "findings"),
    Output("calibrate/measurements.parquet", "the measurements, with the concentrations chosen", "measurements"),
    Output("calibrate/curves.tsv", "the standard curves fitted here, their limits and range", "curves"),
    Output("calibrate/standards.tsv", "the audit of standards and controls", "standards"),
    Output("calibrate/concentrations.parquet", "refitted beside the instrument's, well by well", "concentrations"),
    Output("calibrate/agreement.tsv", "how far the two lie apart, per plate and analyte", "agreement"),
    Output("calibrate/findings.tsv", "what was noticed about standards and curves", "findings"),
    Output("quality/plate_review.tsv", "each plate and analyte at a glance", "plate_review"),
    Output("quality/controls.tsv", "controls over the plates (Levey-Jennings) and Westgard rules", "controls"),
    Output("quality/plate_map.tsv", "each well against what its content should give", "plate_map"),
    Output("quality/plate_findings.tsv", "what was noticed about plates", "findings"),
    Output("quality/values.parquet", "one value per sample and feature", "values"),
    Output("quality/replicates.tsv", "agreement of replicate wells", "replicates"),
    Output("quality/sample_map.tsv", "samples beside each other", "sample_map"),
    Output("quality/samples.tsv", "the samples again; a further column `kept` says which went on", "samples"),
    Output("quality/findings.tsv", "what was noticed by the quality checks", "findings"),
    Output("normalize/panel.parquet", "one value per sample and feature on the analysis scale", "panel"),
    Output("normalize/plate_factors.tsv", "what made plates comparable", "plate_factors"),
    Output("normalize/findings.tsv", "what was noticed while normalizing", "findings"),
    Output("shift/shifts.tsv", "the estimates: one row per contrast and feature", "shifts"),
    Output("shift/without_flagged.tsv", "the same estimates without the samples that quality flagged", "shifts"),
    Output("shift/pairs.parquet", "who entered which estimate, and why others did not", "pairs"),
    Output("shift/arm_changes.tsv", "what each arm did by itself; shown, never tested as the answer", "arm_changes"),
    Output("shift/regression_to_mean.tsv", "how far selected subjects would change untreated", "regression_to_mean"),
    Output("shift/findings.tsv", "what was noticed while estimating", "findings"),
    Output("shift/decisions.tsv", "what was decided for each feature of each endpoint", "decisions"),
    Output("shift/families.tsv", "what was decided for each endpoint as a whole", "families"),
    Output("shift/reference_change.tsv", "whose change exceeds variation: limits and counts", "reference_change"),
    Output("report/report.html", "the page to read first; one file, no network needed"),
    Output("report/plates.html", "the plates one by one, to print for the laboratory; one file, no network needed"),
    Output("report/tables.xlsx", "the tables as a workbook, with a sheet that explains each column"),
    Output("report/manifest.json", "digest of the plan, sha256 of inputs and outputs, versions, seed"),
    Output("report/figures/<kind>/<name>.svg", "each figure for print; a .png of the same name beside it"),
)
_HEAD = """\
# What the results mean

Generated from `workflow/scripts/cytoshift/tables/` by `make docs`; do not edit. Everything else below `results/` is
made by `snakemake` and may be deleted: the same files come back, byte for byte.

Paths are below `results/<study>/`. A `.tsv` opens in any spreadsheet; `.parquet` is read by `pandas.read_parquet` or
`arrow::read_parquet`. An empty cell means: there is none. A non-detect has no `value`; it has the bounds `lower` and
`upper`, between which the true value lies. `results/logs` and `results/benchmarks` hold what each job said and cost.
"""


def results_markdown() -> str:
    """Every output path by stage, and every table's columns with type, unit, legal values and meaning."""
    parts = [_HEAD]
    for stage, question in STAGES.items():
        parts.append(f"## {stage}\n\n{question}\n")
        parts.append("| file | what it is | columns |\n|---|---|---|")
        for output in OUTPUTS:
            if output.path.startswith(f"{stage}/"):
                link = f"[{output.table}](#{output.table})" if output.table else ""
                parts.append(f"| `{output.path}` | {output.meaning} | {link} |")
        parts.append("")
    parts.append("## Columns\n")
    parts += [_table(table) for table in TABLES.values()]
    return "\n".join(parts).rstrip("\n") + "\n"


def _table(table: Table) -> str:
    further = " Covariates of the plan follow as further text columns." if table.open_text else ""
    rows = [f"### {table.name}", "", f"{table.meaning[:1].upper()}{table.meaning[1:]}.{further}", ""]
    rows += ["| column | type | unit | meaning |", "|---|---|---|---|", *map(_row, table.columns)]
    return "\n".join([*rows, ""])


def _row(column: Column) -> str:
    legal = ", ".join(f"`{value}`" for value in column.allowed if value)
    meaning = f"{column.meaning}: {legal}" if legal else column.meaning
    cells = (f"`{column.name}`", column.kind, column.unit, meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
